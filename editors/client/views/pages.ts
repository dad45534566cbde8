import type { EntitySummary, Finding } from '@ckit/protocol';
import type { Bridge } from './bridge';

/** As many items as the daemon puts into one answer. */
const PAGE = 10_000;

/** All entities of a repository, of the only one where none is named. */
export function allEntities(bridge: Bridge, repository?: string): Promise<EntitySummary[]> {
  return all(async (page) => {
    const params = { ...page, ...(repository !== undefined && { repository }) };
    const { entities, nextOffset } = await bridge.request('ckit/entity/list', params);
    return [entities, nextOffset];
  });
}

/** All findings of the only repository. */
export function allFindings(bridge: Bridge): Promise<Finding[]> {
  return all(async (page) => {
    const { findings, nextOffset } = await bridge.request('ckit/repo/validate', page);
    return [findings, nextOffset];
  });
}

/** Reads a list page by page, to its end. */
async function all<Item>(
  read: (page: { limit: number; offset: number }) => Promise<[Item[], number | undefined]>,
): Promise<Item[]> {
  const found: Item[] = [];
  let offset: number | undefined = 0;
  while (offset !== undefined) {
    const [items, next]: [Item[], number | undefined] = await read({ limit: PAGE, offset });
    found.push(...items);
    offset = next;
  }
  return found;
}

import { window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import { messageOf } from '@ckit/client';
import type { CkitClient, RagHit, RagSearchResult, RepositoryInfo } from '@ckit/client';
import { watched } from '../messages';
import type { Commands, Context } from './context';
import { targetOf } from './target';

/** How long typing must pause before a search begins, in milliseconds. */
const PAUSE_MS = 200;
const MAX_HITS = 20;

interface HitItem extends QuickPickItem {
  hit?: RagHit;
}

/** Commands that find passages of the repository. */
export function searchCommands({ repositories, session }: Context): Commands {
  async function search(given: unknown): Promise<void> {
    const client = await session.client();
    const repository = await repositories.current();
    const hit = await pickWhileTyping(client, repository, typeof given === 'string' ? given : '');
    if (hit) await repositories.openLocation(repository, hit.location);
  }

  async function findSimilar(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Find Entities Similar to');
    if (target === undefined) return;
    const { id, repository } = target;
    const client = await session.client();
    const params = { repository: repository.id, id, kinds: ['entity' as const], topK: MAX_HITS };
    const found = await watched(client, `Comparing with ${id}`, 'ckit/rag/similar', params);
    const title = `Similar to ${id}`;
    const chosen = await window.showQuickPick(itemsOf(found), { title, matchOnDescription: true, matchOnDetail: true });
    if (chosen?.hit) await repositories.openLocation(repository, chosen.hit.location);
  }

  return { 'ckit.search': search, 'ckit.findSimilar': findSimilar };
}

/** Searches with every pause in typing; what a newer text has overtaken is cancelled, and never shown. */
async function pickWhileTyping(
  client: CkitClient,
  repository: RepositoryInfo,
  text: string,
): Promise<RagHit | undefined> {
  const list = window.createQuickPick<HitItem>();
  let running = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  list.title = `Search ${repository.name} by Meaning`;
  list.placeholder = 'A question, words or an id';
  list.value = text;
  list.ignoreFocusOut = true;

  const find = async (): Promise<void> => {
    const { signal } = running;
    try {
      const params = { repository: repository.id, query: list.value.trim(), topK: MAX_HITS };
      const found = await client.request('ckit/rag/search', params, { signal });
      if (signal.aborted) return;
      list.items = itemsOf(found);
      // A note about the search stands above, and Enter goes to what was found.
      list.activeItems = list.items.filter(({ hit }) => hit !== undefined).slice(0, 1);
    } catch (error) {
      if (!signal.aborted) list.items = [note('error', messageOf(error))];
    } finally {
      if (!signal.aborted) list.busy = false;
    }
  };
  const typed = (): void => {
    clearTimeout(timer);
    running.abort();
    running = new AbortController();
    list.busy = list.value.trim() !== '';
    if (list.busy) timer = setTimeout(() => void find(), PAUSE_MS);
    else list.items = [];
  };
  try {
    return await new Promise((resolve) => {
      list.onDidChangeValue(typed);
      list.onDidAccept(() => {
        const [chosen] = list.selectedItems;
        // A note about the search is no place to go to.
        if (chosen?.hit) resolve(chosen.hit);
      });
      list.onDidHide(() => resolve(undefined));
      list.show();
      typed();
    });
  } finally {
    clearTimeout(timer);
    running.abort();
    list.dispose();
  }
}

function itemsOf({ degraded, hits }: RagSearchResult): HitItem[] {
  const items: HitItem[] = hits.map((hit) => ({
    hit,
    label: `$(${hit.kind === 'entity' ? 'symbol-field' : 'markdown'}) ${hit.heading}`,
    description: `${Math.round(hit.score * 100)} %`,
    detail: hit.text.replaceAll(/\s+/g, ' ').slice(0, 200),
    // What was found by meaning need not hold the words that were typed.
    alwaysShow: true,
  }));
  if (!hits.some(({ relevant }) => relevant)) items.unshift(note('info', 'Nothing in the repository fits well.'));
  if (degraded !== undefined) items.unshift(note('info', degraded));
  return items;
}

function note(icon: string, text: string): HitItem {
  return { label: `$(${icon}) ${text}`, alwaysShow: true };
}

import type { ParamsOf, RequestMethod, ResultOf } from '@ckit/client';
import type { Bridge } from '../../client/views';
import type { Answer, Api } from '../src/channels';

declare global {
  interface Window {
    ckit: Api;
  }
}

/** An error answer of the daemon, as it came through Electron. */
export class AnswerError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What the daemon says in terms of its protocol. */
export const NO_REPOSITORY = 'This folder holds no context repository. Choose another one with “Open…”.';

let ids = 0;
const parts = new Map<number, (text: string) => void>();

function unwrap<M extends RequestMethod>(answer: Answer): ResultOf<M> {
  if (!answer.ok) throw new AnswerError(answer.code, answer.message);
  return answer.result as ResultOf<M>;
}

async function send<M extends RequestMethod>(id: number, method: M, params: ParamsOf<M>): Promise<ResultOf<M>> {
  return unwrap<M>(await window.ckit.request(id, method, params));
}

/** The way of the shared views to the daemon, through the preload script. */
export function makeBridge(onOpen: (path: string, line: number) => void): Bridge & { openFile(path: string): Promise<void> } {
  window.ckit.onPart((id, items) => {
    for (const item of items as { text: string }[]) parts.get(id)?.(item.text);
  });
  const starts: (() => void)[] = [];
  window.ckit.onState(({ name }) => {
    if (name === 'running') for (const each of starts) each();
  });
  return {
    request: async (method, params) => {
      // Sessions of all repositories are in one place; the other methods mean the only one that is open.
      const here = method === 'ckit/session/list' ? { repository: await currentRepository() } : {};
      return send(++ids, method, { ...here, ...params });
    },
    stream: (method, params, onPart) => {
      const id = ++ids;
      parts.set(id, onPart);
      return {
        result: send(id, method, params).finally(() => parts.delete(id)),
        cancel: () => window.ckit.cancel(id),
      };
    },
    onTurnEvent: (listener) => window.ckit.onTurnEvent(listener),
    onApproval: (listener) => window.ckit.onApproval(listener),
    onApprovalOver: (listener) => window.ckit.onApprovalOver(listener),
    onChange: (listener) => window.ckit.onChange(listener),
    onRestart: (listener) => void starts.push(listener),
    open: (path, range) => onOpen(path, range.start.line),
    save: async (name, text) => void unwrap(await window.ckit.saveText(name, text)),
    openFile: async (path) => void unwrap(await window.ckit.openFile(path)),
  };
}

/**
 * The repository of the folder that is open.
 *
 * @throws Error where it holds none.
 */
async function currentRepository(): Promise<string> {
  // The list is what there is now; requests about a repository wait until the folder has been read.
  await window.ckit.request(++ids, 'ckit/entity/list', { limit: 1 });
  const { repositories } = await send(++ids, 'ckit/repo/list', {});
  if (repositories[0] === undefined) throw new Error(NO_REPOSITORY);
  return repositories[0].id;
}

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
export function makeBridge(onOpen: (path: string, line: number) => void): Bridge {
  window.ckit.onPart((id, items) => {
    for (const item of items as { text: string }[]) parts.get(id)?.(item.text);
  });
  return {
    request: (method, params) => send(++ids, method, params),
    stream: (method, params, onPart) => {
      const id = ++ids;
      parts.set(id, onPart);
      return {
        result: send(id, method, params).finally(() => parts.delete(id)),
        cancel: () => window.ckit.cancel(id),
      };
    },
    onTurnEvent: (listener) => window.ckit.onTurnEvent(listener),
    onApproval: (ask) => window.ckit.onApproval(ask),
    onChange: (listener) => window.ckit.onChange(listener),
    open: (path, range) => onOpen(path, range.start.line),
  };
}

import type { ParamsOf, RequestMethod, ResultOf } from '@ckit/client';
import type { Bridge } from '../../client/views';
import type { FromPage, Order, ToPage } from '../src/webviews/messages';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
};

const vscode = acquireVsCodeApi();

/** Sends something to the extension. */
export function post(message: FromPage): void {
  vscode.postMessage(message);
}

/** What a page keeps while VS Code puts it away. */
export const memory = {
  get: (): unknown => vscode.getState(),
  set: (state: unknown): void => vscode.setState(state),
};

/** An error answer of the daemon, as it came through the messages of a page. */
class AnswerError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  onPart: (text: string) => void;
  resolve: (result: never) => void;
  reject: (error: Error) => void;
}

/** Makes the way of the shared views to the daemon, through the extension. */
export function makeBridge(onOrder: (order: Order) => void): Bridge {
  const waiting = new Map<number, Waiting>();
  const approvals: Parameters<Bridge['onApproval']>[0][] = [];
  const answered: Parameters<NonNullable<Bridge['onApprovalAnswered']>>[0][] = [];
  const turns: Parameters<Bridge['onTurnEvent']>[0][] = [];
  const changes: (() => void)[] = [];
  let ids = 0;

  const send = <M extends RequestMethod>(
    id: number,
    method: M,
    params: ParamsOf<M>,
    onPart: (text: string) => void = () => undefined,
  ): Promise<ResultOf<M>> =>
    new Promise<ResultOf<M>>((resolve, reject) => {
      waiting.set(id, { onPart, resolve, reject });
      post({ kind: 'request', id, method, params });
    }).finally(() => waiting.delete(id));

  const receive = (message: ToPage): void => {
    switch (message.kind) {
      case 'answer':
        waiting.get(message.id)?.resolve(message.result as never);
        break;
      case 'failure':
        waiting.get(message.id)?.reject(new AnswerError(message.code, message.message));
        break;
      case 'part':
        waiting.get(message.id)?.onPart(message.text);
        break;
      case 'turnEvent':
        for (const each of turns) each(message.event);
        break;
      case 'approval':
        for (const ask of approvals) {
          const approval = message.approval.id;
          void ask(message.approval).then(({ decision }) => post({ kind: 'decide', approval, decision }));
        }
        break;
      case 'answered':
        for (const each of answered) each(message.approval, message.decision);
        break;
      case 'changed':
        for (const each of changes) each();
        break;
      default:
        onOrder(message);
    }
  };
  window.addEventListener('message', ({ data }) => receive(data as ToPage));

  return {
    request: (method, params) => send(++ids, method, params),
    stream: (method, params, onPart) => {
      const id = ++ids;
      return { result: send(id, method, params, onPart), cancel: () => post({ kind: 'cancel', id }) };
    },
    onTurnEvent: (listener) => turns.push(listener),
    onApproval: (ask) => approvals.push(ask),
    onApprovalAnswered: (listener) => answered.push(listener),
    onChange: (listener) => changes.push(listener),
    open: (path, range) => post({ kind: 'open', path, range }),
  };
}

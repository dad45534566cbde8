import type { FileAttachment, ParamsOf, RequestMethod, ResultOf, SelectionAttachment } from '@ckit/client';
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
  const answered: Parameters<Bridge['onApprovalOver']>[0][] = [];
  const turns: Parameters<Bridge['onTurnEvent']>[0][] = [];
  const changes: (() => void)[] = [];
  const starts: (() => void)[] = [];
  let ids = 0;

  const send = <T>(message: (id: number) => FromPage, onPart: (text: string) => void = () => undefined) => {
    const id = ++ids;
    const result = new Promise<T>((resolve, reject) => {
      waiting.set(id, { onPart, resolve, reject });
      post(message(id));
    }).finally(() => waiting.delete(id));
    return { id, result };
  };
  const request = <M extends RequestMethod>(method: M, params: ParamsOf<M>, onPart?: (text: string) => void) =>
    send<ResultOf<M>>((id) => ({ kind: 'request', id, method, params }), onPart);

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
        for (const each of approvals) each(message.approval);
        break;
      case 'answered':
        for (const each of answered) each(message.approval, message.decision);
        break;
      case 'changed':
        for (const each of changes) each();
        break;
      case 'restarted':
        for (const each of starts) each();
        break;
      default:
        onOrder(message);
    }
  };
  window.addEventListener('message', ({ data }) => receive(data as ToPage));

  return {
    request: (method, params) => request(method, params).result,
    stream: (method, params, onPart) => {
      const { id, result } = request(method, params, onPart);
      return { result, cancel: () => post({ kind: 'cancel', id }) };
    },
    onTurnEvent: (listener) => turns.push(listener),
    onApproval: (listener) => approvals.push(listener),
    onApprovalOver: (listener) => answered.push(listener),
    onChange: (listener) => changes.push(listener),
    onRestart: (listener) => starts.push(listener),
    open: (path, range) => post({ kind: 'open', path, range }),
    save: (_name, text) => send<void>((id) => ({ kind: 'save', id, text })).result,
    inEditor: () => send<(FileAttachment | SelectionAttachment)[]>((id) => ({ kind: 'editor', id })).result,
  };
}

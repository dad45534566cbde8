import type {
  ClientMethods,
  NotificationMethod,
  Notifications,
  ParamsOf,
  RequestMethod,
  ResultOf,
  TurnEvent,
  TurnStartParams,
} from '@ckit/protocol';
import type { Disposable } from 'vscode-jsonrpc/node';
import { toCkitError } from './errors';
import { Queue } from './queue';
import { Turn } from './turn';
import { ANY_PROGRESS, withSignal, withToken } from './wire';
import type { Wire } from './wire';

/** How far long work is, as LSP's work done progress tells. */
export interface Progress {
  kind: 'begin' | 'report' | 'end';
  title?: string;
  message?: string;
  /** From 0 to 100. */
  percentage?: number;
}

export interface RequestOptions<Part = unknown> {
  /** Cancels the request; the promise is then rejected with a `CkitError` whose code is `cancelled`. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Takes partial results, where the method streams them; the answer then holds none of them but for texts. */
  onPartial?: (items: Part[]) => void;
}

/** What a host answers to the daemon; the signal is aborted when nobody waits for the answer any more. */
export type Handlers = {
  [M in keyof ClientMethods]?: (
    params: ClientMethods[M]['params'],
    signal: AbortSignal,
  ) => Promise<ClientMethods[M]['result']>;
};

let tokens = 0;

/** The daemon's methods on one connection, typed from the protocol. */
export class CkitClient {
  private readonly listening: Disposable[] = [];
  private readonly handlers = new Map<NotificationMethod, Set<(params: never) => void>>();
  private readonly readers = new Set<Queue<TurnEvent>>();

  constructor(private readonly wire: Wire) {}

  /**
   * Sends a request.
   *
   * @throws CkitError for an error answer.
   * @throws ConnectionClosedError where the daemon ends before it answers.
   */
  async request<M extends RequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    const asked: Record<string, unknown> = { ...params };
    const listening: Disposable[] = [];
    const listen = (name: string, handler: (value: unknown) => void): void => {
      const token = `client-${++tokens}`;
      asked[name] = token;
      listening.push(this.wire.onProgress(ANY_PROGRESS, token, handler));
    };
    const { onProgress, onPartial } = options;
    if (onProgress) listen('workDoneToken', (value) => onProgress(value as Progress));
    if (onPartial) listen('partialResultToken', (value) => onPartial(value as unknown[]));
    try {
      return (await withSignal(options.signal, (token) => this.wire.sendRequest(method, asked, token))) as ResultOf<M>;
    } catch (error) {
      throw toCkitError(error);
    } finally {
      for (const each of listening) each.dispose();
    }
  }

  /** Calls a handler with every notification of a kind. */
  on<M extends NotificationMethod>(method: M, handler: (params: Notifications[M]['params']) => void): Disposable {
    const handlers = this.handlers.get(method) ?? this.listen(method);
    // Whoever listens twice with the same function is called twice, and stops each by itself.
    const own = (params: Notifications[M]['params']): void => handler(params);
    handlers.add(own);
    return { dispose: () => handlers.delete(own) };
  }

  /** Answers what the daemon asks; the names belong into `answers` of the initialization options. */
  answer(handlers: Handlers): void {
    for (const [method, handler] of Object.entries(handlers)) {
      const answer = handler as (params: never, signal: AbortSignal) => Promise<unknown>;
      this.listening.push(
        this.wire.onRequest(method, (params, token) => withToken(token, (signal) => answer(params, signal))),
      );
    }
  }

  /** Every event of a session, or of all, from now until the reader stops or the daemon is gone. */
  events(sessionId?: string): AsyncIterableIterator<TurnEvent> {
    const queue = new Queue<TurnEvent>(() => {
      listening.dispose();
      this.readers.delete(queue);
    });
    this.readers.add(queue);
    const listening = this.on('ckit/turn/event', ({ event }) => {
      if (sessionId === undefined || event.sessionId === sessionId) queue.push(event);
    });
    return queue;
  }

  /** Starts a turn; read its events with `for await`, its end with `result`. */
  turn(params: TurnStartParams, options: RequestOptions = {}): Turn {
    return new Turn(this, params, options);
  }

  /** Stops listening, and ends what reads events; the connection stays what it is. */
  dispose(): void {
    for (const each of this.listening.splice(0)) each.dispose();
    for (const each of [...this.readers]) each.end();
    this.handlers.clear();
  }

  /** Connections keep one handler for each method, the newest; this one calls all of ours. */
  private listen(method: NotificationMethod): Set<(params: never) => void> {
    const handlers = new Set<(params: never) => void>();
    this.handlers.set(method, handlers);
    this.listening.push(
      this.wire.onNotification(method, (params) => {
        for (const each of [...handlers]) each(params);
      }),
    );
    return handlers;
  }
}

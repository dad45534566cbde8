import { CancellationTokenSource, ProgressType } from 'vscode-jsonrpc/node';
import type { CancellationToken, Disposable, MessageConnection } from 'vscode-jsonrpc/node';

/**
 * What a client needs of a connection. `vscode-jsonrpc` connections become one with {@link wireOf}; the language client
 * of VS Code has the same methods under the same names.
 */
export interface Wire {
  sendRequest(method: string, params: unknown, token: CancellationToken): Promise<unknown>;
  sendNotification(method: string, params: unknown): Promise<void>;
  onNotification(method: string, handler: (params: never) => void): Disposable;
  onRequest(method: string, handler: (params: never, token: CancellationToken) => Promise<unknown>): Disposable;
  onProgress(type: ProgressType<unknown>, token: string | number, handler: (value: unknown) => void): Disposable;
}

/** Returns a connection of vscode-jsonrpc as a {@link Wire}. */
export function wireOf(connection: MessageConnection): Wire {
  return {
    sendRequest: (method, params, token) => connection.sendRequest(method, params, token),
    sendNotification: (method, params) => connection.sendNotification(method, params),
    onNotification: (method, handler) => connection.onNotification(method, handler as (params: unknown) => void),
    onRequest: (method, handler) => connection.onRequest(method, handler as (params: unknown, token: CancellationToken) => Promise<unknown>),
    onProgress: (type, token, handler) => connection.onProgress(type, token, handler),
  };
}

/** All values of `$/progress`, whatever they are: work done and partial results. */
export const ANY_PROGRESS = new ProgressType<unknown>();

/** Runs a request whose cancellation follows an `AbortSignal`. */
export async function withSignal<T>(
  signal: AbortSignal | undefined,
  run: (token: CancellationToken) => Promise<T>,
): Promise<T> {
  const source = new CancellationTokenSource();
  const cancel = (): void => source.cancel();
  if (signal?.aborted) source.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await run(source.token);
  } finally {
    signal?.removeEventListener('abort', cancel);
    source.dispose();
  }
}

/** Answers a request with a signal that is aborted when nobody waits for the answer any more. */
export function withToken<T>(token: CancellationToken, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const listening = token.onCancellationRequested(() => abort.abort());
  return run(abort.signal).finally(() => listening.dispose());
}

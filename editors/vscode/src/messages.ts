import { ProgressLocation, window } from 'vscode';
import { CkitError, messageOf } from '@ckit/client';
import type { CkitClient, ParamsOf, RequestMethod, ResultOf } from '@ckit/client';

/** Tells the person that something did not work; what they have cancelled or refused themselves needs no word. */
export function failed(error: unknown): void {
  if (error instanceof CkitError && error.code === 'cancelled') return;
  const message = messageOf(error);
  if (error instanceof CkitError && error.code === 'denied') void window.showInformationMessage(message);
  else void window.showErrorMessage(`ckit: ${message}`);
}

/** Sends a request that takes a while: its progress is seen, and the person can cancel it. */
export function watched<M extends RequestMethod>(
  client: CkitClient,
  title: string,
  method: M,
  params: ParamsOf<M>,
  onText?: (text: string) => void,
): Promise<ResultOf<M>> {
  const location = ProgressLocation.Notification;
  return Promise.resolve(
    window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
      const abort = new AbortController();
      const listening = token.onCancellationRequested(() => abort.abort());
      let before = 0;
      try {
        return await client.request(method, params, {
          signal: abort.signal,
          onProgress: ({ message, percentage }) => {
            const increment = percentage === undefined ? 0 : percentage - before;
            before = percentage ?? before;
            progress.report({ increment, ...(message === undefined ? {} : { message }) });
          },
          ...(onText && {
            onPartial: (items: unknown[]) => onText(items.map((item) => (item as { text: string }).text).join('')),
          }),
        });
      } finally {
        listening.dispose();
      }
    }),
  );
}

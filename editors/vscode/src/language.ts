import type { ChildProcess } from 'node:child_process';
import { workspace } from 'vscode';
import type { LogOutputChannel } from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn } from 'vscode-languageclient/node';
import type { Wire } from '@ckit/client';
import { settings } from './settings';

/** What the connection to a daemon is made of. */
export interface Connecting {
  log: LogOutputChannel;
  /** Version of the extension. */
  version: string;
  /** Methods that the extension answers. */
  answers: string[];
  start: () => Promise<ChildProcess>;
  /** Is called when the connection is gone. */
  closed: () => void;
}

/** Makes VS Code's language client, which starts nothing by itself. */
export function languageClient({ answers, closed, log, start, version }: Connecting): LanguageClient {
  return new QuietClient('ckit', 'ckit', start, {
    documentSelector: [
      { scheme: 'file', language: 'yaml' },
      { scheme: 'file', language: 'markdown' },
      { scheme: 'file', pattern: '**/{.context,.context-kit}/**' },
    ],
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue }),
      closed: () => {
        closed();
        return { action: CloseAction.DoNotRestart, message: 'The daemon has ended.', handled: true };
      },
    },
    initializationOptions: () => ({
      ckit: {
        clientInfo: { name: 'ckit-vscode', version },
        protocolVersions: ['1.0'],
        config: settings.config(),
        trusted: workspace.isTrusted,
        answers,
      },
    }),
  });
}

/** What the typed client needs of a language client. */
export function wireOf(language: LanguageClient): Wire {
  return {
    sendRequest: (method, params, token) => language.sendRequest(method, params, token),
    sendNotification: (method, params) => language.sendNotification(method, params),
    onNotification: (method, handler) => language.onNotification(method, handler as (params: unknown) => void),
    onRequest: (method, handler) => language.onRequest(method, handler as (params: unknown) => Promise<unknown>),
    onProgress: (type, token, handler) => language.onProgress(type, token, handler),
  };
}

/** Leaves what it has to say about the connection to the log, since the session tells the person. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown, showNotification?: boolean | 'force'): void {
    super.error(message, data, showNotification === 'force' ? false : showNotification);
  }
}

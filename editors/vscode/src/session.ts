import { homedir } from 'node:os';
import { commands, EventEmitter, window, workspace } from 'vscode';
import type { CancellationToken, Disposable, LogOutputChannel } from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, State } from 'vscode-languageclient/node';
import type { CloseHandlerResult, Executable } from 'vscode-languageclient/node';
import { CkitClient } from '@ckit/client';
import type { ClientMethods, TurnEvent, Wire } from '@ckit/client';
import { findProgram, MissingProgramError } from './program';
import { settings } from './settings';

/** How it stands with the daemon. */
export type SessionState =
  | { name: 'starting' }
  | { name: 'running' }
  | { name: 'missing' | 'failed'; reason: string }
  | { name: 'stopped' };

/** What this extension answers to the daemon; the token is cancelled when nobody waits for the answer any more. */
export type Handlers = {
  [M in Exclude<keyof ClientMethods, 'ckit/tool/call'>]: (
    params: ClientMethods[M]['params'],
    token: CancellationToken,
  ) => Promise<ClientMethods[M]['result']>;
};

const MAX_CRASHES = 4;
const CRASHES_WITHIN_MS = 3 * 60_000;

/** The daemon of this window: starts it, starts it again, and speaks to it. */
export class Session implements Disposable {
  private readonly states = new EventEmitter<SessionState>();
  private readonly changes = new EventEmitter<void>();
  private readonly turns = new EventEmitter<TurnEvent>();
  private language: LanguageClient | undefined;
  private typed: CkitClient | undefined;
  private current: SessionState = { name: 'stopped' };
  private queue: Promise<void> = Promise.resolve();
  private crashes: number[] = [];
  private readonly folders: Disposable;

  readonly onState = this.states.event;
  /** The daemon has a new picture of a repository. */
  readonly onChange = this.changes.event;
  readonly onTurnEvent = this.turns.event;

  constructor(
    private readonly log: LogOutputChannel,
    private readonly version: string,
    private readonly handlers: Handlers,
  ) {
    this.folders = workspace.onDidChangeWorkspaceFolders(async () => {
      if (this.language === undefined) return;
      await this.settle(this.language);
      this.changes.fire();
    });
  }

  get state(): SessionState {
    return this.current;
  }

  /**
   * The daemon's methods, once it runs.
   *
   * @throws Error where it doesn't, with what to do about it.
   */
  async client(): Promise<CkitClient> {
    // Whoever asks during a restart gets the daemon that comes.
    await this.queue;
    while (this.current.name === 'starting') await this.changed();
    if (this.current.name === 'missing' || this.current.name === 'failed') throw new Error(this.current.reason);
    if (this.typed === undefined || this.current.name !== 'running') throw new Error('The ckit daemon is stopped.');
    return this.typed;
  }

  /** Starts a daemon in place of the one that runs; never two at a time. */
  restart(): Promise<void> {
    return this.after(async () => {
      this.crashes = [];
      await this.end();
      await this.begin();
    });
  }

  stop(): Promise<void> {
    return this.after(() => this.end());
  }

  dispose(): void {
    void this.stop();
    for (const each of [this.folders, this.states, this.changes, this.turns]) each.dispose();
  }

  private after(work: () => Promise<void>): Promise<void> {
    const done = this.queue.then(work);
    this.queue = done.catch(() => undefined);
    return done;
  }

  private async begin(): Promise<void> {
    let program: Executable;
    try {
      const { command, args, from } = findProgram(settings.surroundings());
      this.log.info(`Starting ${command} (found by ${from}).`);
      // The folder of the workspace is no place to run in: Python would import modules that lie there.
      program = {
        command,
        args: [...args, '--log-level', settings.logLevel()],
        options: { cwd: homedir(), env: { ...process.env, PYTHONSAFEPATH: '1' } },
      };
    } catch (error) {
      if (!(error instanceof MissingProgramError)) throw error;
      this.log.error(error.message);
      this.set({ name: 'missing', reason: error.message });
      return;
    }
    const language = this.makeClient(program);
    this.language = language;
    this.typed = this.connect(language);
    this.set({ name: 'starting' });
    language.onDidChangeState(({ newState }) => {
      if (language !== this.language) return;
      if (newState === State.Running) void this.arrive(language);
      else if (newState === State.StartFailed) this.fail('The daemon could not be started; its log says more.');
    });
    try {
      await language.start();
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  private makeClient(program: Executable): LanguageClient {
    return new LanguageClient('ckit', 'ckit', program, {
      documentSelector: [
        { scheme: 'file', language: 'yaml' },
        { scheme: 'file', language: 'markdown' },
        { scheme: 'file', pattern: '**/{.context,.context-kit}/**' },
      ],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => this.crashed(),
      },
      initializationOptions: () => ({
        ckit: {
          clientInfo: { name: 'ckit-vscode', version: this.version },
          protocolVersions: ['1.0'],
          config: settings.config(),
          trusted: workspace.isTrusted,
          answers: Object.keys(this.handlers),
        },
      }),
    });
  }

  private connect(language: LanguageClient): CkitClient {
    const wire: Wire = {
      sendRequest: (method, params, token) => language.sendRequest(method, params, token),
      sendNotification: (method, params) => language.sendNotification(method, params),
      onNotification: (method, handler) => language.onNotification(method, handler as (params: unknown) => void),
      onRequest: (method, handler) => language.onRequest(method, handler as (params: unknown) => Promise<unknown>),
      onProgress: (type, token, handler) => language.onProgress(type, token, handler),
    };
    const client = new CkitClient(wire);
    client.on('ckit/repo/didChange', () => this.changes.fire());
    client.on('ckit/turn/event', ({ event }) => this.turns.fire(event));
    for (const [method, handler] of Object.entries(this.handlers)) {
      // The language client hands the token over that the typed client has no place for.
      language.onRequest(method, handler as (params: unknown, token: CancellationToken) => Promise<unknown>);
    }
    return client;
  }

  private async arrive(language: LanguageClient): Promise<void> {
    await this.settle(language);
    if (language === this.language && language.state === State.Running) this.set({ name: 'running' });
  }

  /** Waits until the daemon has read the folders of the workspace. */
  private async settle(language: LanguageClient): Promise<void> {
    try {
      // The list of repositories is what there is now; requests about one wait until all announced folders are read.
      await language.sendRequest('ckit/entity/list', { limit: 1 });
    } catch (error) {
      // There is no repository, or there are several, or the daemon has just died: all of this is told elsewhere.
      this.log.debug(`Looked for repositories: ${String(error)}`);
    }
  }

  /** The daemon has ended unasked: it is started again, unless it does so all the time. */
  private crashed(): CloseHandlerResult {
    const now = Date.now();
    this.crashes = [...this.crashes.filter((time) => now - time < CRASHES_WITHIN_MS), now];
    if (this.crashes.length > MAX_CRASHES) {
      const reason = `The daemon ended ${this.crashes.length} times within three minutes.`;
      this.fail(reason);
      return { action: CloseAction.DoNotRestart, message: reason, handled: true };
    }
    this.set({ name: 'starting' });
    return { action: CloseAction.Restart, message: 'The daemon has ended and is started again.', handled: true };
  }

  private fail(reason: string): void {
    this.log.error(reason);
    this.set({ name: 'failed', reason });
  }

  private async end(): Promise<void> {
    const { language, typed } = this;
    this.language = undefined;
    this.typed = undefined;
    typed?.dispose();
    if (language !== undefined) {
      try {
        await language.dispose();
      } catch (error) {
        // A client that never started, or whose daemon has just died, can't be shut down in good order.
        this.log.info(`The language client ended: ${String(error)}`);
      }
    }
    this.set({ name: 'stopped' });
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => {
      const listening = this.onState(() => {
        listening.dispose();
        resolve();
      });
    });
  }

  private set(state: SessionState): void {
    this.current = state;
    void commands.executeCommand('setContext', 'ckit.state', state.name);
    this.states.fire(state);
  }
}

/** Says why there is no daemon, and offers what can be done. */
export async function explain(state: SessionState): Promise<void> {
  if (state.name === 'missing') {
    const install = 'How to Install';
    const choice = await window.showErrorMessage(state.reason, install, 'Set Path', 'Try Again');
    if (choice === install) await commands.executeCommand('ckit.walkthrough');
    if (choice === 'Set Path') await commands.executeCommand('workbench.action.openSettings', 'ckit.path');
    if (choice === 'Try Again') await commands.executeCommand('ckit.restart');
  } else if (state.name === 'failed') {
    const choice = await window.showErrorMessage(`ckit: ${state.reason}`, 'Show Log', 'Start Again');
    if (choice === 'Show Log') await commands.executeCommand('ckit.showLog');
    if (choice === 'Start Again') await commands.executeCommand('ckit.restart');
  }
}

import { commands, EventEmitter, workspace } from 'vscode';
import type { CancellationToken, Disposable, LogOutputChannel } from 'vscode';
import { State } from 'vscode-languageclient/node';
import type { LanguageClient } from 'vscode-languageclient/node';
import { CkitClient, messageOf } from '@ckit/client';
import type { Capabilities, ClientMethods, TurnEvent, WorkspaceEdit } from '@ckit/client';
import { languageClient, wireOf } from './language';
import { DaemonProcess } from './process';
import { findProgram, MissingProgramError } from './program';
import type { Program } from './program';
import { settings } from './settings';

/** How it stands with the daemon. */
export type SessionState =
  | { name: 'starting' }
  | { name: 'running' }
  | { name: 'missing' | 'outdated' | 'failed'; reason: string }
  | { name: 'stopped' };

/** What this extension answers to the daemon; the token is cancelled when nobody waits for the answer any more. */
export type Handlers = {
  [M in Exclude<keyof ClientMethods, 'ckit/tool/call'>]: (
    params: ClientMethods[M]['params'],
    token: CancellationToken,
  ) => Promise<ClientMethods[M]['result']>;
};

/** How long a daemon may take to answer at its start, in milliseconds. */
const START_MS = 60_000;
const MAX_CRASHES = 4;
const CRASHES_WITHIN_MS = 3 * 60_000;

const UPDATE =
  'Install the newest one with `pip install --upgrade ckit-daemon`, or name another in the setting ckit.path.';

class LateError extends Error {}
/** Another start replaces this one, and will say what there is to say. */
class ReplacedError extends Error {}

/** The daemon of this window: starts it, starts it again, and speaks to it. */
export class Session implements Disposable {
  private readonly states = new EventEmitter<SessionState>();
  private readonly changes = new EventEmitter<void>();
  private readonly turns = new EventEmitter<TurnEvent>();
  private language: LanguageClient | undefined;
  private typed: CkitClient | undefined;
  private current: SessionState = { name: 'stopped' };
  private queue: Promise<void> = Promise.resolve();
  /** Ends the start that is under way, if there is one. */
  private giveUp: () => void = () => undefined;
  private process: DaemonProcess | undefined;
  private crashes: number[] = [];
  /** Whether the present daemon has said what it can. */
  private up = false;
  private features: string[] = [];
  private readonly folders: Disposable;

  readonly onState = this.states.event;
  /** The daemon has a new picture of a repository. */
  readonly onChange = this.changes.event;
  readonly onTurnEvent = this.turns.event;

  constructor(
    private readonly log: LogOutputChannel,
    private readonly version: string,
    private readonly handlers: Handlers,
    private readonly startMs = START_MS,
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
    await this.queue;
    while (this.current.name === 'starting') {
      await this.changed();
      // Whoever asks during a restart gets the daemon that comes.
      await this.queue;
    }
    if ('reason' in this.current) throw new Error(this.current.reason);
    if (this.typed === undefined || this.current.name !== 'running') throw new Error('The ckit daemon is stopped.');
    return this.typed;
  }

  /**
   * Carries out a change that the daemon has planned, as one step that VS Code can undo, and saves it.
   *
   * @throws Error where VS Code can't.
   */
  async apply(edit: WorkspaceEdit): Promise<void> {
    const converted = await this.language?.protocol2CodeConverter.asWorkspaceEdit(edit);
    // What somebody has typed and not saved is theirs to save.
    const unsaved = new Set(workspace.textDocuments.filter(({ isDirty }) => isDirty));
    if (converted === undefined || !(await workspace.applyEdit(converted, { isRefactoring: true }))) {
      throw new Error('VS Code could not make the change; nothing was done.');
    }
    const touched = new Set(converted.entries().map(([uri]) => uri.toString()));
    for (const document of workspace.textDocuments) {
      if (document.isDirty && !unsaved.has(document) && touched.has(document.uri.toString())) await document.save();
    }
  }

  /** Starts a daemon in place of the one that runs; never two at a time. */
  restart(): Promise<void> {
    this.giveUp();
    return this.after(async () => {
      this.crashes = [];
      await this.end();
      await this.begin();
    });
  }

  stop(): Promise<void> {
    this.giveUp();
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
    let program: Program;
    try {
      program = findProgram(settings.surroundings());
    } catch (error) {
      if (!(error instanceof MissingProgramError)) throw error;
      this.fail('missing', error.message);
      return;
    }
    this.log.info(`Starting ${program.command} (found by ${program.from}).`);
    const language = this.makeClient(program);
    this.language = language;
    this.typed = this.connect(language);
    this.process = undefined;
    this.up = false;
    this.set({ name: 'starting' });
    try {
      await this.answered(language, program);
    } catch (error) {
      await this.refused(error, program);
      return;
    }
    const known = language.initializeResult?.capabilities.experimental as { ckit?: Capabilities } | undefined;
    if (known?.ckit === undefined) {
      await this.close();
      this.fail('outdated', `${program.command} is no ckit daemon, or an old one. ${UPDATE}`);
      return;
    }
    this.up = true;
    this.offer(known.ckit.features);
    void this.arrive(language);
  }

  /** Waits until the daemon has said what it can. */
  private async answered(language: LanguageClient, { command }: Program): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const reason = `${command} has not answered within ${this.startMs / 1000} s. Is it the ckit daemon?`;
      timer = setTimeout(() => reject(new LateError(reason)), this.startMs);
      this.giveUp = () => reject(new ReplacedError());
    });
    try {
      await Promise.race([language.start(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says why a daemon did not start. */
  private async refused(error: unknown, { command }: Program): Promise<void> {
    const message = messageOf(error);
    const code = (error as { data?: { code?: unknown } }).data?.code;
    if (code === 'unsupported_protocol') {
      this.fail('outdated', `${command} and this extension don't fit together: ${message} ${UPDATE}`);
    } else if (error instanceof ReplacedError) {
      this.process?.child.kill();
    } else if (error instanceof LateError) {
      this.process?.child.kill();
      this.fail('failed', message);
    } else if (typeof code === 'string' || this.process === undefined) {
      this.fail('failed', message);
    } else {
      // The connection is gone before it was one: the process says why, or is ended by the language client.
      this.fail('failed', `The daemon ended at its start (${await this.process.ended}).`);
    }
  }

  private makeClient(program: Program): LanguageClient {
    const start = async () => {
      const { args, command } = program;
      this.process = await DaemonProcess.start(command, [...args, '--log-level', settings.logLevel()]);
      return this.process.child;
    };
    const language: LanguageClient = languageClient({
      log: this.log,
      version: this.version,
      answers: Object.keys(this.handlers),
      start,
      closed: () => void this.crashed(language),
    });
    return language;
  }

  private connect(language: LanguageClient): CkitClient {
    const client = new CkitClient(wireOf(language));
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
  private async crashed(language: LanguageClient): Promise<void> {
    // One that has never run is no crash; whoever starts it says so.
    if (language !== this.language || !this.up) return;
    const now = Date.now();
    this.crashes = [...this.crashes.filter((time) => now - time < CRASHES_WITHIN_MS), now];
    if (this.crashes.length > MAX_CRASHES) {
      const how = (await this.process?.ended) ?? '';
      this.fail('failed', `The daemon ended ${this.crashes.length} times within three minutes (${how}).`);
      return;
    }
    this.set({ name: 'starting' });
    await this.after(async () => {
      if (language !== this.language) return;
      await this.close();
      await this.begin();
    });
  }

  private fail(name: 'missing' | 'outdated' | 'failed', reason: string): void {
    this.log.error(reason);
    this.set({ name, reason });
  }

  private async end(): Promise<void> {
    await this.close();
    this.set({ name: 'stopped' });
  }

  private async close(): Promise<void> {
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
  }

  /** Has menus and the palette offer what this daemon can do, and nothing else. */
  private offer(features: string[]): void {
    for (const each of new Set([...this.features, ...features])) {
      void commands.executeCommand('setContext', `ckit.feature.${each}`, features.includes(each));
    }
    this.features = features;
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

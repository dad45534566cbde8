import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { PassThrough } from 'node:stream';
import type { Capabilities, InitializeOptions } from '@ckit/protocol';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { CkitClient } from './client';
import type { Handlers } from './client';
import { ConnectionClosedError, toCkitError } from './errors';
import { wireOf } from './wire';

export interface WorkspaceFolder {
  uri: string;
  name: string;
}

export interface ConnectOptions {
  /** Folders whose repositories the daemon opens by itself. */
  folders?: WorkspaceFolder[];
  /** `initializationOptions.ckit`; `answers` is filled in from `handlers`. */
  ckit?: InitializeOptions;
  /** LSP's client capabilities. */
  capabilities?: object;
  /** What the host does about approvals, keys and its own tools. */
  handlers?: Handlers;
  /** How long to wait for the answer to initialize, in milliseconds. */
  timeoutMs?: number;
}

export interface SpawnOptions extends ConnectOptions {
  /** The program and its arguments; `ckit-daemon` from PATH without it. */
  command?: readonly [string, ...string[]];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Takes what the daemon logs, as it comes. */
  onLog?: (text: string) => void;
  /** Ends a start that takes too long for somebody; a daemon that runs ends with `dispose`. */
  signal?: AbortSignal;
}

/** How a connection ended. */
export interface Closed {
  /** Exit code of the daemon; null where a signal ended it or there was no process. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Whether the host itself had asked for it. */
  expected: boolean;
}

const START_MS = 60_000;
const END_MS = 10_000;

/** A running daemon and the connection to it. */
export class Daemon {
  /** Settled once, when the connection is gone. */
  readonly closed: Promise<Closed>;
  readonly client: CkitClient;
  private expected = false;

  private constructor(
    private readonly connection: MessageConnection,
    /** What this session may use. */
    readonly capabilities: Capabilities,
    client: CkitClient,
    closed: Promise<Omit<Closed, 'expected'>>,
    private readonly kill: () => void,
    /** Of the process; nothing where the streams are somebody else's. */
    readonly pid: number | undefined,
  ) {
    this.client = client;
    // A program that ends with code 2 has refused its arguments only where it has not answered yet.
    const ended = closed.catch((): Omit<Closed, 'expected'> => ({ code: 2, signal: null }));
    this.closed = ended.then((how) => {
      client.dispose();
      connection.dispose();
      return { ...how, expected: this.expected };
    });
  }

  /**
   * Starts a daemon and settles a session with it.
   *
   * @throws ConnectionClosedError where the program is missing or ends before it answers; the message says what to do.
   */
  static async spawn(options: SpawnOptions = {}): Promise<Daemon> {
    const [program, ...args] = options.command ?? ['ckit-daemon'];
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: 'pipe',
      windowsHide: true,
    });
    const log: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log.push(text);
      if (log.length > 50) log.shift();
      options.onLog?.(text);
    });
    const closed = ended(child, program, log);
    const giveUp = (): boolean => child.kill('SIGKILL');
    if (options.signal?.aborted) giveUp();
    options.signal?.addEventListener('abort', giveUp, { once: true });
    try {
      // Writing to a process that never came about fails in places where nobody could catch it.
      if (child.pid === undefined) await closed;
      // A write that fails would be thrown where nobody can catch it; the end of the process tells the same.
      const input = new PassThrough();
      input.pipe(child.stdin);
      return await Daemon.over(child.stdout, input, closed, () => child.kill('SIGKILL'), options, child.pid);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Settles a session over streams that somebody else has opened. */
  static async attach(
    input: NodeJS.ReadableStream,
    output: NodeJS.WritableStream,
    options: ConnectOptions = {},
  ): Promise<Daemon> {
    const closed = new Promise<Omit<Closed, 'expected'>>((resolve) => {
      input.once('close', () => resolve({ code: null, signal: null }));
      input.once('end', () => resolve({ code: null, signal: null }));
    });
    return Daemon.over(input, output, closed, () => output.end(), options);
  }

  private static async over(
    input: NodeJS.ReadableStream,
    output: NodeJS.WritableStream,
    closed: Promise<Omit<Closed, 'expected'>>,
    kill: () => void,
    options: ConnectOptions,
    pid?: number,
  ): Promise<Daemon> {
    const connection = createMessageConnection(new StreamMessageReader(input), new StreamMessageWriter(output));
    // A connection reports as errors what the end of the process explains better.
    connection.onError(() => undefined);
    const client = new CkitClient(wireOf(connection));
    const handlers = options.handlers ?? {};
    client.answer(handlers);
    // The daemon asks clients that can watch files to do so; a host without an editor lets it watch itself.
    connection.onRequest('client/registerCapability', () => null);
    connection.onRequest('window/workDoneProgress/create', () => null);
    connection.listen();
    const timeout = deadline(options.timeoutMs ?? START_MS);
    try {
      const initialized = connection.sendRequest('initialize', {
        processId: process.pid,
        rootUri: options.folders?.[0]?.uri ?? null,
        workspaceFolders: options.folders ?? null,
        capabilities: options.capabilities ?? {},
        initializationOptions: { ckit: { ...options.ckit, answers: Object.keys(handlers) } },
      });
      // It may lose the race against the end of the process, and fail when nobody waits for it any more.
      initialized.catch(() => undefined);
      const answer = await Promise.race([
        initialized,
        closed.then((how) => {
          throw new ConnectionClosedError(`The daemon ended with code ${how.code} before it answered.`);
        }),
        timeout.passed,
      ]);
      await connection.sendNotification('initialized', {});
      const { capabilities } = answer as { capabilities: { experimental: { ckit: Capabilities } } };
      return new Daemon(connection, capabilities.experimental.ckit, client, closed, kill, pid);
    } catch (error) {
      connection.dispose();
      throw toCkitError(error);
    } finally {
      timeout.stop();
    }
  }

  /** Ends the daemon in good order; where it does not answer in time, by force. */
  async dispose(): Promise<Closed> {
    this.expected = true;
    const timer = setTimeout(this.kill, END_MS);
    try {
      await Promise.race([this.connection.sendRequest('shutdown'), this.closed]);
      await this.connection.sendNotification('exit');
    } catch {
      // The connection is gone already, or broken: the process is ended below, and `closed` says how.
      this.kill();
    }
    const how = await this.closed;
    clearTimeout(timer);
    return how;
  }
}

function ended(
  child: ChildProcessWithoutNullStreams,
  program: string,
  log: readonly string[],
): Promise<Omit<Closed, 'expected'>> {
  const closed = new Promise<Omit<Closed, 'expected'>>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const advice = error.code === 'ENOENT' ? 'Install it with `pip install ckit-daemon`, or set its path.' : '';
      reject(new ConnectionClosedError(`${program} could not be started: ${error.message}. ${advice}`.trimEnd()));
    });
    child.once('close', (code, signal) => {
      if (code === 2) reject(new ConnectionClosedError(`${program} refused its arguments: ${log.join('').trim()}`));
      else resolve({ code, signal });
    });
  });
  // Writing to a process that has ended is reported there, and by its end.
  child.stdin.on('error', () => undefined);
  closed.catch(() => undefined);
  return closed;
}

function deadline(milliseconds: number): { passed: Promise<never>; stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ConnectionClosedError(`The daemon did not answer within ${milliseconds / 1000} s.`));
    }, milliseconds);
  });
  passed.catch(() => undefined);
  return { passed, stop: () => clearTimeout(timer) };
}

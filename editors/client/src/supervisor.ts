import type { CkitClient } from './client';
import { Daemon } from './daemon';
import type { Closed, SpawnOptions } from './daemon';
import { ConnectionClosedError, messageOf } from './errors';

export interface SupervisorOptions extends SpawnOptions {
  /** First pause before a restart, in milliseconds; it doubles with each failure. */
  backoffMs?: number;
  maxBackoffMs?: number;
  /** Restarts without a quiet minute between them after which it gives up. */
  maxRestarts?: number;
}

export type State =
  | { name: 'starting'; attempt: number }
  | { name: 'running'; daemon: Daemon }
  | { name: 'waiting'; milliseconds: number; reason: string }
  | { name: 'failed'; reason: string }
  | { name: 'stopped' };

const QUIET_MS = 60_000;

/** Keeps a daemon running: starts it again when it ends unasked, with growing pauses. */
export class Supervisor {
  private current: State = { name: 'stopped' };
  private readonly listeners = new Set<(state: State) => void>();
  private stopping = false;
  private loop: Promise<void> | undefined;
  private wake: () => void = () => undefined;
  private starting = new AbortController();

  constructor(private readonly options: SupervisorOptions = {}) {}

  get state(): State {
    return this.current;
  }

  /** Calls a listener with every change of state; the returned function ends that. */
  onState(listener: (state: State) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Starts the daemon, unless it runs. */
  start(): void {
    if (this.loop !== undefined) return;
    this.stopping = false;
    this.loop = this.run().finally(() => {
      this.loop = undefined;
    });
  }

  /**
   * Waits for a running daemon.
   *
   * @throws ConnectionClosedError once the supervisor has given up or was stopped; `start` begins anew.
   */
  async client(): Promise<CkitClient> {
    if (this.stopping) throw new ConnectionClosedError('The daemon was stopped.');
    this.start();
    for (;;) {
      const state = this.current;
      if (state.name === 'running') return state.daemon.client;
      if (state.name === 'failed') throw new ConnectionClosedError(state.reason);
      await this.changed();
      if (this.stopping) throw new ConnectionClosedError('The daemon was stopped.');
    }
  }

  /** Ends the daemon and starts no other. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.starting.abort();
    this.wake();
    if (this.current.name === 'running') await this.current.daemon.dispose();
    await this.loop;
    this.set({ name: 'stopped' });
  }

  private async run(): Promise<void> {
    const { backoffMs = 500, maxBackoffMs = 30_000, maxRestarts = 8 } = this.options;
    let failures = 0;
    while (!this.stopping) {
      this.set({ name: 'starting', attempt: failures });
      const since = Date.now();
      let reason: string;
      try {
        this.starting = new AbortController();
        const daemon = await Daemon.spawn({ ...this.options, signal: this.starting.signal });
        if (this.stopping) {
          await daemon.dispose();
          return;
        }
        this.set({ name: 'running', daemon });
        reason = describe(await daemon.closed);
      } catch (error) {
        reason = messageOf(error);
      }
      if (this.stopping) return;
      failures = Date.now() - since > QUIET_MS ? 1 : failures + 1;
      if (failures > maxRestarts) {
        this.set({ name: 'failed', reason: `The daemon ended ${failures} times in a row. ${reason}` });
        return;
      }
      const milliseconds = Math.min(maxBackoffMs, backoffMs * 2 ** (failures - 1));
      this.set({ name: 'waiting', milliseconds, reason });
      await this.pause(milliseconds);
    }
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.onState(() => {
        stop();
        resolve();
      });
    });
  }

  private set(state: State): void {
    this.current = state;
    for (const listener of [...this.listeners]) listener(state);
  }
}

function describe({ code, signal }: Closed): string {
  return signal === null ? `It ended with code ${code}.` : `It was ended by ${signal}.`;
}

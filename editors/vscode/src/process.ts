import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { homedir } from 'node:os';

/** How much of what a daemon writes to its standard error is kept, in characters. */
const KEPT = 4_000;

/** The process of a daemon, and what is known about its end. */
export class DaemonProcess {
  /** How it ended, for people. */
  readonly ended: Promise<string>;
  private said = '';

  private constructor(readonly child: ChildProcess) {
    child.stderr?.on('data', (data: Buffer) => {
      this.said = (this.said + data.toString()).slice(-KEPT);
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        const last = this.said.trim().split('\n').at(-1) ?? '';
        resolve(`${signal ?? `code ${code}`}${last === '' ? '' : `: ${last}`}`);
      });
    });
  }

  /**
   * Starts a program.
   *
   * @throws Error where the system can't.
   */
  static async start(command: string, args: readonly string[]): Promise<DaemonProcess> {
    const child = spawn(command, args, {
      // The folder of the workspace is no place to run in: Python would import modules that lie there.
      cwd: homedir(),
      env: { ...process.env, PYTHONSAFEPATH: '1' },
      windowsHide: true,
    });
    const started = new DaemonProcess(child);
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    });
    return started;
  }
}

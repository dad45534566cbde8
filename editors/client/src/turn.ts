import type { Turn as TurnRecord, TurnEvent, TurnStartParams } from '@ckit/protocol';
import type { CkitClient, RequestOptions } from './client';
import { CkitError } from './errors';
import { Queue } from './queue';

/** How long the end of a cancelled turn may take to be told, in milliseconds. */
const END_MS = 2_000;

/**
 * One turn of a conversation: an async iterable of its events, which ends with the turn.
 *
 * ```ts
 * const turn = client.turn({ sessionId, text: 'What breaks if FEAT-001 changes?' });
 * for await (const event of turn) if (event.type === 'itemDelta') write(event.text);
 * const { stopReason } = await turn.result;
 * ```
 */
export class Turn implements AsyncIterable<TurnEvent> {
  /** The turn as it was stored; rejected with a `CkitError` where it did not begin or the signal has aborted it. */
  readonly result: Promise<TurnRecord>;
  private readonly queue: Queue<TurnEvent>;

  constructor(
    private readonly client: CkitClient,
    private readonly params: TurnStartParams,
    options: RequestOptions,
  ) {
    let complete: () => void = () => undefined;
    const completed = new Promise<void>((resolve) => {
      complete = resolve;
    });
    const listening = client.on('ckit/turn/event', ({ event }) => {
      if (event.sessionId !== params.sessionId) return;
      this.queue.push(event);
      if (event.type === 'turnCompleted') complete();
    });
    this.queue = new Queue<TurnEvent>();
    this.result = client.request('ckit/turn/start', params, options).then(({ turn }) => turn);
    // Whoever only reads the events sees them end; the error is there for those who await the result.
    void this.result
      .catch((error: unknown) => {
        const cancelled = error instanceof CkitError && error.code === 'cancelled';
        return cancelled ? Promise.race([completed, after(END_MS)]) : undefined;
      })
      .finally(() => {
        listening.dispose();
        this.queue.end();
      });
  }

  [Symbol.asyncIterator](): AsyncIterator<TurnEvent> {
    return this.queue;
  }

  /** Ends the turn; what was said so far stays, and `result` says `cancelled`. */
  async cancel(): Promise<TurnRecord> {
    const { turn } = await this.client.request('ckit/turn/cancel', { sessionId: this.params.sessionId });
    return turn;
  }

  /** Says something while the turn runs. */
  async steer(text: string): Promise<void> {
    await this.client.request('ckit/turn/steer', { sessionId: this.params.sessionId, text });
  }
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}

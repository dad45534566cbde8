import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Approval, TurnEvent } from '../src';
import { CkitError, Daemon } from '../src';
import { workplace } from './daemon';
import type { Workplace } from './daemon';

let place: Workplace;
let daemon: Daemon;
const asked: Approval[] = [];
let decision: 'allowOnce' | 'deny' | 'elsewhere' | 'never' = 'allowOnce';
/** Is settled once a question is told to be over that this handler has not answered. */
let overtaken: Promise<unknown> = Promise.reject(new Error('Nothing was asked.'));
overtaken.catch(() => undefined);

before(async () => {
  place = workplace({
    handlers: {
      'ckit/approval/request': async ({ approval }, signal) => {
        asked.push(approval);
        if (decision === 'allowOnce' || decision === 'deny') return { decision };
        overtaken = once(signal, 'abort');
        if (decision === 'elsewhere') {
          await daemon.client.request('ckit/approval/resolve', { id: approval.id, decision: 'deny' });
        }
        await overtaken;
        return { decision: 'allowOnce' };
      },
    },
  });
  daemon = await Daemon.spawn(place.options);
});

after(async () => {
  const { code, expected } = await daemon.dispose();
  place.remove();
  assert.deepEqual({ code, expected }, { code: 0, expected: true });
});

function textOf(path: string): string {
  const folder = join(place.repository, 'contexts', path);
  const name = readdirSync(folder).find((each) => each.startsWith('T-009'));
  return readFileSync(join(folder, name ?? ''), 'utf8');
}

test('a session says which methods it may use', () => {
  assert.equal(daemon.capabilities.protocolVersion, '1.0');
  assert.ok(daemon.capabilities.methods.some(({ name }) => name === 'ckit/turn/start'));
});

test('requests are answered with typed results', async () => {
  const { findings } = await daemon.client.request('ckit/repo/validate', {});
  assert.deepEqual(findings, []);
  const { entity } = await daemon.client.request('ckit/entity/get', { id: 'FEAT-001' });
  assert.equal(entity.title, 'Borrow and return items');
});

test('an error answer is an error with a code for programs and a message for people', async () => {
  await assert.rejects(daemon.client.request('ckit/entity/get', { id: 'FEAT-999' }), (error) => {
    assert.ok(error instanceof CkitError);
    assert.equal(error.code, 'not_found');
    assert.match(error.message, /FEAT-999/);
    return true;
  });
});

test('lists come in parts to those who want them so', async () => {
  const parts: unknown[] = [];
  const { entities, total } = await daemon.client.request(
    'ckit/entity/list',
    {},
    { onPartial: (items) => parts.push(...items) },
  );
  assert.deepEqual(entities, []);
  assert.equal(parts.length, total);
});

test('an aborted request ends with the code cancelled', async () => {
  const abort = new AbortController();
  // Building an index takes seconds, so that it does not end by itself.
  const running = daemon.client.request('ckit/rag/index', {}, { signal: abort.signal });
  abort.abort();
  await assert.rejects(running, { name: 'CkitError', code: 'cancelled' });
});

test('a turn streams its events and ends with what was stored', async () => {
  const { session } = await daemon.client.request('ckit/session/create', {});
  const turn = daemon.client.turn({ sessionId: session.id, text: 'What breaks if FEAT-001 changes?' });
  const events: TurnEvent[] = [];
  for await (const event of turn) events.push(event);
  const { stopReason } = await turn.result;
  assert.equal(stopReason, 'endTurn');
  assert.equal(events[0]?.type, 'turnStarted');
  assert.equal(events.at(-1)?.type, 'turnCompleted');
  assert.ok(events.some((event) => event.type === 'itemDelta'));
  assert.ok(events.some((event) => event.type === 'itemCompleted' && event.item.kind === 'toolCall'));
});

test('what would change is shown first, and written only after a yes', async () => {
  const { session } = await daemon.client.request('ckit/session/create', {});
  decision = 'deny';
  await daemon.client.turn({ sessionId: session.id, text: 'Set status of T-009 to done' }).result;
  assert.match(asked.at(-1)?.diff ?? '', /^\+status: done$/m);
  assert.doesNotMatch(textOf('tasks'), /^status: done$/m);
  decision = 'allowOnce';
  await daemon.client.turn({ sessionId: session.id, text: 'Set status of T-009 to done' }).result;
  assert.match(textOf('tasks'), /^status: done$/m);
});

test('a question that was answered elsewhere is told to be over, and its own answer comes too late', async () => {
  const { session } = await daemon.client.request('ckit/session/create', {});
  decision = 'elsewhere';
  await daemon.client.turn({ sessionId: session.id, text: 'Set status of T-009 to blocked' }).result;
  decision = 'allowOnce';
  await overtaken;
  assert.match(textOf('tasks'), /^status: done$/m);
});

test('a turn can be cancelled by a signal, and its reader sees the end', async () => {
  const { session } = await daemon.client.request('ckit/session/create', {});
  const abort = new AbortController();
  // It waits for an answer that nobody gives, so that it does not end by itself.
  decision = 'never';
  const turn = daemon.client.turn(
    { sessionId: session.id, text: 'Set status of T-009 to blocked' },
    { signal: abort.signal },
  );
  let seen = 0;
  for await (const event of turn) {
    seen += 1;
    if (event.type === 'turnStarted') abort.abort();
  }
  decision = 'allowOnce';
  assert.ok(seen > 0);
  await assert.rejects(turn.result, { name: 'CkitError', code: 'cancelled' });
  const { turns } = await daemon.client.request('ckit/session/get', { id: session.id });
  assert.equal(turns.at(-1)?.stopReason, 'cancelled');
});

test('a reader of events can stop at any time', async () => {
  const { session } = await daemon.client.request('ckit/session/create', {});
  const turn = daemon.client.turn({ sessionId: session.id, text: 'validate' });
  for await (const event of turn) if (event.type === 'turnStarted') break;
  assert.equal((await turn.result).stopReason, 'endTurn');
});

test('turns that run side by side each see their own events, and so does whoever listens to all', async () => {
  const heard: TurnEvent[] = [];
  const listening = daemon.client.on('ckit/turn/event', ({ event }) => heard.push(event));
  const sessions = await Promise.all([1, 2].map(() => daemon.client.request('ckit/session/create', {})));
  const ends = await Promise.all(
    sessions.map(async ({ session }) => {
      const seen: string[] = [];
      for await (const event of daemon.client.turn({ sessionId: session.id, text: 'validate' })) seen.push(event.type);
      return seen.at(-1);
    }),
  );
  listening.dispose();
  assert.deepEqual(ends, ['turnCompleted', 'turnCompleted']);
  const completed = heard.filter((event) => event.type === 'turnCompleted').map((event) => event.sessionId);
  assert.deepEqual(completed.sort(), sessions.map(({ session }) => session.id).sort());
});

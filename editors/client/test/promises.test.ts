import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Progress } from '../src';
import { Daemon } from '../src';
import { workplace } from './daemon';
import type { Workplace } from './daemon';

let place: Workplace;
before(() => {
  place = workplace();
});
after(() => place.remove());

test('streams that somebody else has opened do as well, and are ended with the session', async () => {
  const [program = '', ...args] = place.options.command ?? [];
  const child = spawn(program, args, { cwd: place.options.cwd, env: place.options.env, stdio: ['pipe', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  const daemon = await Daemon.attach(child.stdout, child.stdin, { folders: place.options.folders ?? [] });
  assert.equal(daemon.pid, undefined);
  const { entity } = await daemon.client.request('ckit/entity/get', { id: 'FEAT-001' });
  assert.equal(entity.id, 'FEAT-001');
  assert.deepEqual(await daemon.dispose(), { code: null, signal: null, expected: true });
  assert.deepEqual(await exit, [0, null]);
});

test('the end of streams is the end of the session', async () => {
  const [program = '', ...args] = place.options.command ?? [];
  const child = spawn(program, args, { cwd: place.options.cwd, env: place.options.env, stdio: ['pipe', 'pipe', 'ignore'] });
  const daemon = await Daemon.attach(child.stdout, child.stdin);
  child.kill('SIGKILL');
  assert.equal((await daemon.closed).expected, false);
});

test('progress of long work begins, goes on and ends', async () => {
  const daemon = await Daemon.spawn(place.options);
  try {
    const seen: Progress[] = [];
    await daemon.client.request('ckit/rag/index', { rebuild: true }, { onProgress: (progress) => seen.push(progress) });
    assert.equal(seen[0]?.kind, 'begin');
    assert.ok(seen.some(({ kind }) => kind === 'report'));
    assert.equal(seen.at(-1)?.kind, 'end');
  } finally {
    await daemon.dispose();
  }
});

test('a turn is told more while it waits, and ended, which withdraws its question', async () => {
  let asked: (signal: AbortSignal) => void = () => undefined;
  const question = new Promise<AbortSignal>((resolve) => {
    asked = resolve;
  });
  const daemon = await Daemon.spawn({
    ...place.options,
    handlers: {
      'ckit/approval/request': async (_params, signal) => {
        asked(signal);
        if (!signal.aborted) await once(signal, 'abort');
        return { decision: 'deny' };
      },
    },
  });
  try {
    const { session } = await daemon.client.request('ckit/session/create', {});
    const turn = daemon.client.turn({ sessionId: session.id, text: 'Set status of T-009 to done' });
    const heard = (async () => {
      const types: string[] = [];
      for await (const event of daemon.client.events(session.id)) {
        types.push(event.type);
        if (event.type === 'turnCompleted') break;
      }
      return types;
    })();
    const signal = await question;
    await turn.steer('Only if it is not blocked.');
    assert.equal((await turn.cancel()).stopReason, 'cancelled');
    assert.equal((await turn.result).stopReason, 'cancelled');
    assert.equal(signal.aborted, true);
    assert.equal((await heard)[0], 'turnStarted');
    const { items } = await daemon.client.request('ckit/session/get', { id: session.id });
    const said = items.flatMap((item) => (item.kind === 'userMessage' ? [[item.text, item.steering ?? false]] : []));
    assert.deepEqual(said, [
      ['Set status of T-009 to done', false],
      ['Only if it is not blocked.', true],
    ]);
  } finally {
    await daemon.dispose();
  }
});

test('a key that only the host has is asked for by its name, and reaches the provider', async () => {
  const got: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    got.push(request.headers.authorization);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'one', object: 'model', created: 0, owned_by: 'me' }] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const references: string[] = [];
  const daemon = await Daemon.spawn({
    ...place.options,
    ckit: { config: { models: { providers: { mine: { kind: 'openai', baseUrl, apiKey: 'client:mine' } } } } },
    handlers: {
      'ckit/secret/request': async ({ reference }) => {
        references.push(reference);
        return { value: 'sk-0123456789abcdef0123456789' };
      },
    },
  });
  try {
    const { models } = await daemon.client.request('ckit/provider/models', { provider: 'mine' });
    assert.deepEqual(models.map(({ name }) => name), ['one']);
    assert.deepEqual(references, ['client:mine']);
    assert.equal(got.at(-1), 'Bearer sk-0123456789abcdef0123456789');
  } finally {
    await daemon.dispose();
    server.closeAllConnections();
    server.close();
  }
});

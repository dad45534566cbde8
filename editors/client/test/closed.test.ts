import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TurnEvent } from '../src';
import { ConnectionClosedError, Daemon } from '../src';
import { workplace } from './daemon';

/** Answers to initialize, and ends with the code 2 at the next message. */
const FAKE = `
  const answer = JSON.stringify({ jsonrpc: '2.0', id: 0, result: { capabilities: { experimental: { ckit: {} } } } });
  process.stdin.once('data', () => {
    process.stdout.write('Content-Length: ' + answer.length + '\\r\\n\\r\\n' + answer);
    process.stdin.on('data', (data) => data.includes('ckit/') && process.exit(2));
  });
`;

test('what waits for a daemon that dies is told so in words for people, and readers of events come to an end', async () => {
  const place = workplace();
  const daemon = await Daemon.spawn(place.options);
  const heard: TurnEvent[] = [];
  const reading = (async () => {
    for await (const event of daemon.client.events()) heard.push(event);
  })();
  const pid = daemon.pid ?? 0;
  // A daemon that stands still answers nothing before it dies.
  if (process.platform !== 'win32') process.kill(pid, 'SIGSTOP');
  const waiting = daemon.client.request('ckit/repo/validate', {});
  process.kill(pid, 'SIGKILL');
  const gone = (error: unknown): boolean => {
    assert.ok(error instanceof ConnectionClosedError);
    assert.match(error.message, /^The daemon ended before it answered\./);
    return true;
  };
  await assert.rejects(waiting, gone);
  await daemon.closed;
  await assert.rejects(daemon.client.request('ckit/repo/validate', {}), gone);
  await reading;
  assert.deepEqual(heard, []);
  place.remove();
});

test('a daemon that ends with any code while it is used is gone, and leaves nobody waiting', async () => {
  const daemon = await Daemon.spawn({ command: [process.execPath, '-e', FAKE] });
  await assert.rejects(daemon.client.request('ckit/repo/validate', {}), ConnectionClosedError);
  assert.deepEqual(await daemon.closed, { code: 2, signal: null, expected: false });
});

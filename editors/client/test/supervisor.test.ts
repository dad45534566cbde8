import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { State } from '../src';
import { ConnectionClosedError, Daemon, Supervisor } from '../src';
import { workplace } from './daemon';

async function until(supervisor: Supervisor, name: State['name']): Promise<State> {
  for (;;) {
    if (supervisor.state.name === name) return supervisor.state;
    await new Promise<void>((resolve) => {
      const stop = supervisor.onState(() => {
        stop();
        resolve();
      });
    });
  }
}

test('a program that is missing is named, with what to do', async () => {
  await assert.rejects(Daemon.spawn({ command: ['ckit-daemon-that-is-not-there'] }), (error) => {
    assert.ok(error instanceof ConnectionClosedError);
    assert.match(error.message, /could not be started.*Install it/s);
    return true;
  });
});

test('a program that ends before it answers is no endless wait', async () => {
  await assert.rejects(Daemon.spawn({ command: [process.execPath, '-e', 'process.exit(7)'] }), /ended with code 7/);
});

test('a daemon that refuses its arguments says why', async () => {
  const place = workplace();
  const [program, ...args] = place.options.command ?? [''];
  await assert.rejects(
    Daemon.spawn({ ...place.options, command: [program as string, ...args, '--no-such-option'] }),
    /--no-such-option/,
  );
  place.remove();
});

test('a daemon that dies is started again, with its sessions', async () => {
  const place = workplace();
  const supervisor = new Supervisor({ ...place.options, backoffMs: 10 });
  try {
    const first = await supervisor.client();
    const { session } = await first.request('ckit/session/create', { title: 'Before' });
    const state = supervisor.state;
    assert.ok(state.name === 'running');
    assert.ok(state.daemon.pid !== undefined);
    process.kill(state.daemon.pid, 'SIGKILL');
    const closed = await state.daemon.closed;
    assert.equal(closed.expected, false);
    await until(supervisor, 'running');
    const second = await supervisor.client();
    assert.notEqual(second, first);
    const { sessions } = await second.request('ckit/session/list', {});
    assert.deepEqual(
      sessions.map((each) => each.id),
      [session.id],
    );
  } finally {
    await supervisor.stop();
    place.remove();
  }
  assert.equal(supervisor.state.name, 'stopped');
});

test('a daemon that never starts is given up, with the reason', async () => {
  const supervisor = new Supervisor({
    command: [process.execPath, '-e', 'process.exit(3)'],
    backoffMs: 1,
    maxRestarts: 2,
  });
  await assert.rejects(supervisor.client(), /3 times in a row.*code 3/s);
  await supervisor.stop();
});

test('a daemon that is still starting can be stopped', async () => {
  const supervisor = new Supervisor({ command: [process.execPath, '-e', 'setInterval(() => undefined, 1000)'] });
  supervisor.start();
  await until(supervisor, 'starting');
  await supervisor.stop();
  assert.equal(supervisor.state.name, 'stopped');
});

test('a daemon that was stopped is started by nobody who merely asks for it', async () => {
  const place = workplace();
  const supervisor = new Supervisor(place.options);
  await supervisor.client();
  await supervisor.stop();
  await assert.rejects(supervisor.client(), (error) => {
    assert.ok(error instanceof ConnectionClosedError);
    return true;
  });
  assert.equal(supervisor.state.name, 'stopped');
  supervisor.start();
  await supervisor.client();
  await supervisor.stop();
  place.remove();
});

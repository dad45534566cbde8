import assert from 'node:assert/strict';
import { window, workspace } from 'vscode';
import type { Insides } from '../../src/extension';
import { Session } from '../../src/session';
import { insides, until } from './insides';
import { answering } from './person';
import type { Seen } from './person';

/** Programs that are no daemon: scripts that the program which runs this test runs as well. */
const PROGRAM = process.execPath;
let parts: Insides;

/** Changes a setting, and waits until the daemon of before has ended. */
async function set(name: string, value: unknown): Promise<void> {
  let stopped = false;
  const listening = parts.session.onState((state) => {
    stopped ||= state.name === 'stopped';
  });
  const ended = until(parts.session.onState, 'an end', () => stopped);
  await workspace.getConfiguration('ckit').update(name, value, true);
  await ended;
  listening.dispose();
}

/** Has a script run in the place of the daemon, and returns what the person is told. */
function instead(script: string): Promise<Seen> {
  return answering([], async () => {
    await set('arguments', ['-e', script, '--']);
    await until(parts.session.onState, 'an end', () => 'reason' in parts.session.state);
  });
}

/** Answers the first request, which may come in pieces, with this result or error. */
function answers(answer: object): string {
  return `let said = '';
  process.stdin.on('data', (data) => {
    said += data;
    const [head, body] = said.split('\\r\\n\\r\\n');
    if (body === undefined || Buffer.byteLength(body) < Number(/Content-Length: (\\d+)/.exec(head)[1])) return;
    process.stdin.removeAllListeners('data').resume();
    const { id } = JSON.parse(body);
    const text = JSON.stringify({ jsonrpc: '2.0', id, ...${JSON.stringify(answer)} });
    process.stdout.write('Content-Length: ' + Buffer.byteLength(text) + '\\r\\n\\r\\n' + text);
  });`;
}

describe('a daemon that is none', () => {
  const fits = ['How to Install', 'Set Path', 'Try Again'];
  const runs = ['Show Log', 'Start Again'];
  let path: unknown;

  before(async () => {
    parts = await insides();
    path = workspace.getConfiguration('ckit').inspect('path')?.globalValue;
    await answering([], async () => {
      await set('path', PROGRAM);
      await until(parts.session.onState, 'an end', () => 'reason' in parts.session.state);
    });
  });
  after(async () => {
    await answering([], async () => {
      await set('arguments', undefined);
      await until(parts.session.onState, 'an end', () => 'reason' in parts.session.state);
      await set('path', path);
      await parts.session.client();
    });
  });

  it('is told with its last words where it ends at its start', async () => {
    const { messages, offers } = await instead('console.error("ModuleNotFoundError: lsprotocol"); process.exit(3)');
    assert.deepEqual(messages, ['ckit: The daemon ended at its start (code 3: ModuleNotFoundError: lsprotocol).']);
    assert.deepEqual(offers, [runs]);
    assert.equal(parts.session.state.name, 'failed');
    await assert.rejects(parts.session.client(), /ended at its start/);
  });

  it('is told as too old where it speaks another protocol', async () => {
    const error = { code: -32000, message: 'supported: 0.9.', data: { code: 'unsupported_protocol' } };
    const { messages, offers } = await instead(answers({ error }));
    assert.equal(messages.length, 1);
    assert.match(messages.join(), /don't fit together: supported: 0\.9\. .*pip install --upgrade ckit-daemon/);
    assert.deepEqual(offers, [fits]);
    assert.equal(parts.session.state.name, 'outdated');
  });

  it('is told as no daemon where it is another language server', async () => {
    const { messages, offers } = await instead(answers({ result: { capabilities: {} } }));
    assert.equal(messages.length, 1);
    assert.match(messages.join(), /is no ckit daemon, or an old one\. .*pip install --upgrade ckit-daemon/);
    assert.deepEqual(offers, [fits]);
  });

  it('is told once where a start that hangs is replaced, also to who has waited for it', async () => {
    const { messages } = await answering([], async () => {
      await set('arguments', ['-e', 'process.stdin.resume()', '--']);
      await until(parts.session.onState, 'a start', () => parts.session.state.name === 'starting');
      const waiting = assert.rejects(parts.session.client(), /ended at its start \(code 3/);
      await set('arguments', ['-e', 'process.exit(3)', '--']);
      await waiting;
    });
    assert.deepEqual(messages, ['ckit: The daemon ended at its start (code 3).']);
  });

  it('is given up where it never answers, and leaves no process behind', async () => {
    await instead('process.exit(0)');
    const log = window.createOutputChannel('ckit test', { log: true });
    await workspace.getConfiguration('ckit').update('arguments', ['-e', 'process.stdin.resume()', '--'], true);
    const session = new Session(log, '0', {} as ConstructorParameters<typeof Session>[2], 300);
    try {
      await session.restart();
      assert.equal(session.state.name, 'failed');
      assert.match((session.state as { reason: string }).reason, /has not answered within 0\.3 s/);
    } finally {
      await session.stop();
      log.dispose();
    }
  });
});

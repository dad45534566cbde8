import assert from 'node:assert/strict';
import { EventEmitter } from 'vscode';
import type { Webview } from 'vscode';
import type { Insides } from '../../src/extension';
import type { Link } from '../../src/webviews/link';
import type { FromPage, ToPage } from '../../src/webviews/messages';
import { insides, until } from './insides';

let parts: Insides;
before(async () => {
  parts = await insides();
});

/** A page's side of a link: what it sends, and what comes back. */
function page(asksPerson: boolean): {
  send: (message: FromPage) => void;
  got: ToPage[];
  link: Link;
  next: EventEmitter<void>;
} {
  const sent = new EventEmitter<FromPage>();
  const next = new EventEmitter<void>();
  const got: ToPage[] = [];
  const webview = {
    onDidReceiveMessage: sent.event,
    postMessage: async (message: ToPage) => {
      got.push(message);
      next.fire();
      return true;
    },
  } as unknown as Webview;
  return { send: (message) => sent.fire(message), got, link: parts.link(webview, asksPerson), next };
}

describe('pages', () => {
  it('get answers before they say that they are ready', async () => {
    const { got, link, next, send } = page(false);
    send({ kind: 'request', id: 1, method: 'ckit/repo/graph', params: { limit: 3 } });
    await until(next.event, 'an answer', () => got.length > 0);
    assert.equal(got[0]?.kind, 'answer');
    link.dispose();
  });

  it('may not ask for anything but what they need', async () => {
    for (const method of ['ckit/pipeline/run', 'ckit/entity/update', 'shutdown', 'toString', 'ckit/approval/resolve']) {
      const { got, link, next, send } = page(true);
      send({ kind: 'request', id: 7, method, params: {} });
      await until(next.event, 'a refusal', () => got.length > 0);
      assert.deepEqual(got, [
        { kind: 'failure', id: 7, code: 'unknown', message: `A page may not ask for ${method}.` },
      ]);
      link.dispose();
    }
  });

  it('can cancel what they have asked for', async () => {
    const { got, link, next, send } = page(true);
    const client = await parts.session.client();
    const { session } = await client.request('ckit/session/create', {});
    send({ kind: 'ready' });
    send({
      kind: 'request',
      id: 2,
      method: 'ckit/turn/start',
      params: { sessionId: session.id, text: 'Set status of T-010 to blocked' },
    });
    await until(next.event, 'a question', () => got.some(({ kind }) => kind === 'approval'));
    send({ kind: 'cancel', id: 2 });
    await until(next.event, 'the end of the question', () => got.some(({ kind }) => kind === 'answered'));
    const failure = (): ToPage | undefined => got.find(({ kind }) => kind === 'failure');
    await until(next.event, 'the end of the request', () => failure() !== undefined);
    assert.equal((failure() as { code?: string }).code, 'cancelled');
    link.dispose();
  });

  it('that do not ask the person decide nothing', async () => {
    const other = page(false);
    const asked = page(true);
    const client = await parts.session.client();
    const { session } = await client.request('ckit/session/create', {});
    const turn = client.turn({ sessionId: session.id, text: 'Set status of T-004 to blocked' });
    asked.send({ kind: 'ready' });
    await until(asked.next.event, 'a question', () => asked.got.some(({ kind }) => kind === 'approval'));
    const [approval] = parts.approvals.pending;
    other.send({ kind: 'decide', approval: approval?.id ?? '', decision: 'allowOnce' });
    assert.equal(parts.approvals.pending.length, 1);
    asked.send({ kind: 'decide', approval: approval?.id ?? '', decision: 'deny' });
    assert.equal(parts.approvals.pending.length, 0);
    assert.equal((await turn.result).stopReason, 'endTurn');
    for (const each of [other, asked]) each.link.dispose();
  });
});

import assert from 'node:assert/strict';
import { commands, window, workspace } from 'vscode';
import type { Approval } from '@ckit/client';
import type { Insides } from '../../src/extension';
import type { Texts } from '../../src/texts';
import { diffs, diffsAre, file, insides, textOf, until } from './insides';

let parts: Insides;
before(async () => {
  parts = await insides();
});

/** Says something that needs an approval, and waits until it is shown as a diff. */
async function propose(
  text: string,
  signal?: AbortSignal,
): Promise<{ approval: Approval; result: Promise<string | undefined> }> {
  const client = await parts.session.client();
  const { session } = await client.request('ckit/session/create', {});
  const turn = client.turn({ sessionId: session.id, text }, signal ? { signal } : {});
  turn.result.catch(() => undefined);
  await diffsAre(1);
  const [approval] = parts.approvals.pending;
  assert.ok(approval);
  return { approval, result: turn.result.then(({ stopReason }) => stopReason) };
}

describe('approvals', () => {
  it('show in a diff editor what would change, and a yes there changes it', async () => {
    const uri = await file('tasks', 'T-009');
    const before = await textOf(uri);
    const { result } = await propose('Set status of T-009 to done');
    const [diff] = diffs();
    assert.ok(diff);
    assert.equal((await workspace.openTextDocument(diff.original)).getText(), before);
    const after = (await workspace.openTextDocument(diff.modified)).getText();
    assert.equal(after, before.replace('status: blocked', 'status: done'));
    assert.equal(await textOf(uri), before);
    await commands.executeCommand('ckit.allow', diff.modified);
    assert.equal(await result, 'endTurn');
    assert.equal(await textOf(uri), after);
    assert.deepEqual(parts.approvals.pending, []);
    await diffsAre(0);
  });

  it('change nothing after a no', async () => {
    const uri = await file('tasks', 'T-008');
    const before = await textOf(uri);
    const { approval, result } = await propose('Set status of T-008 to done');
    const [diff] = diffs();
    assert.ok(diff);
    const texts = Reflect.get(parts.proposals, 'texts') as Texts;
    assert.equal(texts.provideTextDocumentContent(diff.original), before);
    await commands.executeCommand('ckit.deny', diff.modified);
    assert.equal(await result, 'endTurn');
    assert.equal(await textOf(uri), before);
    await diffsAre(0);
    // Nothing of it is kept when it has closed.
    await parts.proposals.close(approval);
    assert.equal(texts.provideTextDocumentContent(diff.original), '');
  });

  it('that are answered before their diff is shown open none', async () => {
    const opened: string[] = [];
    const tabs = window.tabGroups.onDidChangeTabs((event) => opened.push(...event.opened.map(({ label }) => label)));
    let settled: Promise<void> | undefined;
    const answering = parts.approvals.onAsk((approval) => {
      parts.approvals.answer(approval.id, { decision: 'deny' });
      settled = parts.proposals.close(approval);
    });
    try {
      const client = await parts.session.client();
      const { session } = await client.request('ckit/session/create', {});
      await client.turn({ sessionId: session.id, text: 'Set status of T-003 to done' }).result;
      assert.ok(settled);
      await settled;
      assert.deepEqual(opened, []);
    } finally {
      answering.dispose();
      tabs.dispose();
    }
  });

  it('go with the turn that is cancelled by its request, and leave no editor behind', async () => {
    const uri = await file('tasks', 'T-007');
    const before = await textOf(uri);
    const abort = new AbortController();
    const { approval, result } = await propose('Set status of T-007 to done', abort.signal);
    const answered = until(parts.approvals.onAnswer, 'an answer', () => parts.approvals.pending.length === 0);
    const ended = new Promise<void>((resolve) => {
      const listening = parts.session.onTurnEvent((event) => {
        if (event.type !== 'turnCompleted' || event.sessionId !== approval.sessionId) return;
        listening.dispose();
        resolve();
      });
    });
    abort.abort();
    await assert.rejects(result, { name: 'CkitError', code: 'cancelled' });
    await Promise.all([answered, ended]);
    await diffsAre(0);
    const client = await parts.session.client();
    const { turns } = await client.request('ckit/session/get', { id: approval.sessionId ?? '' });
    assert.deepEqual(
      turns.map(({ status, stopReason }) => [status, stopReason]),
      [['completed', 'cancelled']],
    );
    assert.equal(await textOf(uri), before);
  });

  it('go with the daemon that has asked', async () => {
    await propose('Set status of T-006 to done');
    await parts.session.restart();
    assert.deepEqual(parts.approvals.pending, []);
    await diffsAre(0);
    await parts.session.client();
  });
});

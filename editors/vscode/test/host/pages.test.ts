import assert from 'node:assert/strict';
import { commands, Range, Selection, window, workspace } from 'vscode';
import type { EventEmitter } from 'vscode';
import type {
  ApprovalListResult,
  Attachment,
  SessionExportResult,
  SessionGetResult,
  SessionListResult,
  SessionResult,
  TurnResult,
} from '@ckit/client';
import type { Insides } from '../../src/extension';
import type { Link } from '../../src/webviews/link';
import type { FromPage, ToPage } from '../../src/webviews/messages';
import { active, daemonPid, diffsAre, file, insides, standIn, textOf, until } from './insides';

let parts: Insides;
before(async () => {
  parts = await insides();
});

interface Page {
  send: (message: FromPage) => void;
  /** Asks the daemon for something; what comes is the result, or the message of a failure. */
  ask: <T>(method: string, params: object) => Promise<T & { message: string }>;
  /** Asks the extension for something. */
  want: <T>(message: (id: number) => FromPage) => Promise<T & { message: string }>;
  got: ToPage[];
  link: Link;
  next: EventEmitter<void>;
}

/** A page's side of a link: what it sends, and what comes back. */
function page(asksPerson: boolean): Page {
  const { webview, sent, got, next } = standIn<FromPage>();
  let ids = 1000;
  const want: Page['want'] = async (message) => {
    const id = ++ids;
    const answer = (): ToPage | undefined => got.find((each) => 'id' in each && each.id === id && each.kind !== 'part');
    sent.fire(message(id));
    await until(next.event, 'an answer', () => answer() !== undefined);
    const found = answer();
    return (found?.kind === 'answer' ? found.result : found) as never;
  };
  return {
    send: (message) => sent.fire(message),
    want,
    ask: (method, params) => want((id) => ({ kind: 'request', id, method, params })),
    got,
    link: parts.link(webview, asksPerson),
    next,
  };
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
    const never = ['ckit/pipeline/run', 'ckit/entity/update', 'shutdown', 'toString'];
    const chat = ['ckit/approval/resolve', 'ckit/session/delete', 'ckit/turn/start'];
    for (const [method, asksPerson] of [...never.map((each) => [each, true]), ...chat.map((each) => [each, false])]) {
      const { got, link, next, send } = page(asksPerson as boolean);
      send({ kind: 'request', id: 7, method: method as string, params: {} });
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
    await diffsAre(1);
    send({ kind: 'cancel', id: 2 });
    await until(next.event, 'the end of the question', () => got.some(({ kind }) => kind === 'answered'));
    const failure = (): ToPage | undefined => got.find(({ kind }) => kind === 'failure');
    await until(next.event, 'the end of the request', () => failure() !== undefined);
    assert.equal((failure() as { code?: string }).code, 'cancelled');
    await diffsAre(0);
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
    await diffsAre(1);
    const [approval] = parts.approvals.pending;
    const id = approval?.id ?? '';
    assert.match((await other.ask('ckit/approval/resolve', { id, decision: 'allowOnce' })).message, /may not ask/);
    assert.equal(parts.approvals.pending.length, 1);
    await asked.ask('ckit/approval/resolve', { id, decision: 'deny', note: 'Not now' });
    assert.equal((await turn.result).stopReason, 'endTurn');
    // Whoever else shows the question has been told.
    assert.equal(parts.approvals.pending.length, 0);
    const { approvals } = await client.request('ckit/approval/list', { sessionId: session.id, state: null });
    assert.deepEqual([approvals[0]?.state, approvals[0]?.note], ['denied', 'Not now']);
    await diffsAre(0);
    for (const each of [other, asked]) each.link.dispose();
  });

  it('can attach what is open and what is selected, and have texts shown', async () => {
    const chat = page(true);
    const document = await workspace.openTextDocument(await file('tasks', 'T-010'));
    const editor = await window.showTextDocument(document);
    editor.selection = new Selection(1, 3, 3, 0);
    await active('T-010', (each) => each === document);
    const open = await chat.want<Attachment[]>((id) => ({ kind: 'editor', id }));
    const path = workspace.asRelativePath(document.uri);
    const text = document.getText(new Range(1, 0, 2, document.lineAt(2).text.length));
    const attachments: Attachment[] = [{ kind: 'selection', path, startLine: 1, endLine: 2, text }, { kind: 'file', path }];
    assert.deepEqual(open, attachments);
    const { session } = await chat.ask<SessionResult>('ckit/session/create', {});
    await chat.ask('ckit/turn/start', { sessionId: session.id, text: 'What is this?', attachments });
    const { items } = await chat.ask<SessionGetResult>('ckit/session/get', { id: session.id });
    assert.deepEqual(items.find((each) => each.kind === 'userMessage')?.attachments, attachments);
    const { content } = await chat.ask<SessionExportResult>('ckit/session/export', { id: session.id });
    await chat.want((id) => ({ kind: 'save', id, text: content }));
    const shown = await active('a new document', ({ isUntitled }) => isUntitled);
    assert.deepEqual([shown.languageId, shown.getText()], ['markdown', content]);
    await commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    chat.link.dispose();
  });

  it('see the conversations of their own repository, newest first', async () => {
    const chat = page(true);
    const { session } = await chat.ask<SessionResult>('ckit/session/create', { title: 'The newest' });
    const { sessions } = await chat.ask<SessionListResult>('ckit/session/list', {});
    assert.equal(sessions[0]?.id, session.id);
    assert.deepEqual([...new Set(sessions.map(({ repository }) => repository))], [session.repository]);
    chat.link.dispose();
  });

  it('are told of edits that do not fit, and go on with a turn that the death of the daemon cut off', async () => {
    const chat = page(true);
    chat.send({ kind: 'ready' });
    const { session } = await chat.ask<SessionResult>('ckit/session/create', {});
    const { id: sessionId } = session;
    const cut = chat.ask('ckit/turn/start', { sessionId, text: 'Set status of T-004 to blocked' });
    await until(chat.next.event, 'a question', () => chat.got.some(({ kind }) => kind === 'approval'));
    await diffsAre(1);
    process.kill(daemonPid(), 'SIGKILL');
    await cut;
    await until(chat.next.event, 'a new daemon', () => chat.got.some(({ kind }) => kind === 'restarted'));
    const { turns } = await chat.ask<SessionGetResult>('ckit/session/get', { id: sessionId });
    assert.deepEqual(turns.map(({ status }) => status), ['interrupted']);
    const { approvals } = await chat.ask<ApprovalListResult>('ckit/approval/list', { sessionId });
    const id = approvals[0]?.id;
    const wrong = { id, decision: 'allowOnce', arguments: { colour: 'red' } };
    assert.match((await chat.ask('ckit/approval/resolve', wrong)).message, /colour: unknown field/);
    await chat.ask('ckit/approval/resolve', { id, decision: 'allowOnce' });
    const { turn } = await chat.ask<TurnResult>('ckit/turn/start', { sessionId, resume: turns[0]?.id });
    assert.deepEqual([turn.status, turn.stopReason], ['completed', 'endTurn']);
    assert.match(await textOf(await file('tasks', 'T-004')), /^status: blocked$/m);
    await diffsAre(0);
    chat.link.dispose();
  });
});

import assert from 'node:assert/strict';
import { commands, Range, workspace, WorkspaceEdit } from 'vscode';
import type { Disposable } from 'vscode';
import type { Insides } from '../../src/extension';
import { active, file, insides, previewed, reverted } from './insides';
import { answering } from './person';

describe('generations', () => {
  let allowing: Disposable;
  before(async () => {
    const { approvals }: Insides = await insides();
    allowing = approvals.onAsk(({ id }) => approvals.answer(id, { decision: 'allowOnce' }));
  });
  after(() => allowing.dispose());

  it('are explained: what they were made from, and what has changed since', async () => {
    const { messages } = await answering(['Members can pause notices while they travel.'], () =>
      commands.executeCommand('ckit.generateSpec', { id: 'FEAT-004' }),
    );
    assert.deepEqual(messages, ['SPEC-008 is saved.']);
    await commands.executeCommand('ckit.explain', { id: 'SPEC-008' });
    const fresh = /still as it was[^]*\*\*Model\*\*: offline\/offline[^]*\| FEAT-004 \| as it was \| asked for \|/;
    await previewed('Where SPEC-008 was made.md', fresh);

    const uri = await file('features', 'FEAT-004');
    const document = await workspace.openTextDocument(uri);
    const edit = new WorkspaceEdit();
    edit.insert(uri, new Range(0, 0, 0, 0).start, '# Seen again.\n');
    assert.ok(await workspace.applyEdit(edit));
    await commands.executeCommand('ckit.explain', { id: 'SPEC-008' });
    await previewed('Where SPEC-008 was made.md', /\| FEAT-004 \| \*\*changed since\*\* \| asked for \|/);
    await reverted(document);
  });

  it('that nobody knows are an error that says so', async () => {
    const { messages } = await answering([], () => commands.executeCommand('ckit.explain', { id: 'T-009' }));
    assert.match(messages.join(), /Nothing is known about 'T-009'/);
  });

  it('are in a log that can be read', async () => {
    await answering(['SPEC-008'], () => commands.executeCommand('ckit.openSpecLog'));
    const shown = await active('the entry', ({ languageId, uri }) => uri.scheme === 'ckit-text' && languageId === 'json');
    const entry = JSON.parse(shown.getText()) as Record<string, unknown>;
    assert.equal(entry['requestType'], 'spec-generate');
    assert.equal((entry['output'] as Record<string, unknown>)['specId'], 'SPEC-008');
  });

  it('are taken back long after they were written, and once', async () => {
    await file('specs', 'SPEC-008');
    const { messages } = await answering(['SPEC-008'], () => commands.executeCommand('ckit.undoGeneration'));
    assert.match(messages.join(), /SPEC-008 is taken back: .*SPEC-008/);
    await assert.rejects(file('specs', 'SPEC-008'), /There is no file/);
    const again = await answering([], () => commands.executeCommand('ckit.undoGeneration'));
    assert.deepEqual(again.messages, ['Nothing that was generated here can be taken back.']);
  });

  it('of code are written once allowed, and taken back', async () => {
    const { messages } = await answering([], () => commands.executeCommand('ckit.generateCode', { id: 'SPEC-005' }));
    assert.ok(messages.includes('The code of SPEC-005 is saved.'), messages.join());
    const shown = await active('the code', ({ uri }) => uri.path.includes('/src/'));
    assert.match(shown.getText(), /SPEC-005/);
    await answering(['The code of SPEC-005'], () => commands.executeCommand('ckit.undoGeneration'));
    assert.deepEqual(await workspace.findFiles('src/**'), []);
  });

  it('of an entity are written once allowed, and taken back from the entity', async () => {
    const { messages } = await answering(['task', 'Repair the scanner at the desk'], () =>
      commands.executeCommand('ckit.generateEntity'),
    );
    assert.ok(messages.includes('T-013 is saved.'), messages.join());
    const uri = await file('tasks', 'T-013');
    await active('the new entity', (document) => document.uri.path === uri.path);
    await answering([], () => commands.executeCommand('ckit.undoGeneration', { id: 'T-013' }));
    await assert.rejects(file('tasks', 'T-013'), /There is no file/);
  });

  it('of prompts are shown with what they took', async () => {
    const { messages } = await answering(['review'], () =>
      commands.executeCommand('ckit.promptify', { id: 'SPEC-005' }),
    );
    assert.match(messages.join(), /^\d+ of \d+ tokens/);
    const shown = await active('the prompt', ({ uri }) => uri.scheme === 'ckit-text' && uri.path.includes('(review)'));
    assert.match(shown.getText(), /SPEC-005/);
    await answering([], () => commands.executeCommand('ckit.generatePrompt', { id: 'SPEC-005' }));
    await active('the other prompt', ({ uri }) => uri.path.endsWith('/Prompt of SPEC-005.md'));
  });
});

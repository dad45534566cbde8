import assert from 'node:assert/strict';
import { commands, languages, Range, window, workspace, WorkspaceEdit } from 'vscode';
import type { CompletionList, Diagnostic, Hover, Location, TextDocument } from 'vscode';
import type { Insides } from '../../src/extension';
import { actionsAt, active, file, findingsOf, insides, placeOf, reverted, until } from './insides';

let parts: Insides;
before(async () => {
  parts = await insides();
});

async function replace(document: TextDocument, part: string, by: string): Promise<void> {
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, placeOf(document.getText(), part), by);
  assert.ok(await workspace.applyEdit(edit));
}

describe('language features', () => {
  it('finds a fault while it is typed, and nothing once it is mended by its quick fix', async () => {
    const uri = await file('features', 'FEAT-002');
    const document = await workspace.openTextDocument(uri);
    await window.showTextDocument(document);
    const intact = document.getText();
    await replace(document, 'userStories: ["US-004', 'userStories: ["US-0004');
    const found = (): Diagnostic | undefined => findingsOf(uri).find(({ message }) => message.includes('US-0004'));
    await until(languages.onDidChangeDiagnostics, 'a finding', () => found() !== undefined);
    const finding = found();
    assert.ok(finding);
    const fix = (await actionsAt(uri, finding.range)).find(({ title, edit }) => edit && title.includes('US-004'));
    assert.ok(fix?.edit);
    assert.ok(await workspace.applyEdit(fix.edit));
    assert.equal(document.getText(), intact);
    await until(languages.onDidChangeDiagnostics, 'no finding', () => findingsOf(uri).length === 0);
    assert.ok(await document.save());
  });

  it('shows the card of an entity, and where it is defined and named', async () => {
    const uri = await file('features', 'FEAT-001');
    const { start } = placeOf((await workspace.openTextDocument(uri)).getText(), 'US-002');
    const [hover] = await commands.executeCommand<Hover[]>('vscode.executeHoverProvider', uri, start);
    const card = hover?.contents.map((each) => (typeof each === 'string' ? each : each.value)).join('\n') ?? '';
    assert.match(card, /Renew a loan/);
    const definitions = await commands.executeCommand<Location[]>('vscode.executeDefinitionProvider', uri, start);
    assert.match(JSON.stringify(definitions), /US-002-renew-a-loan\.yaml/);
    const places = await commands.executeCommand<Location[]>('vscode.executeReferenceProvider', uri, start);
    assert.ok(places.some((each) => each.uri.path === uri.path));
  });

  it('completes ids with their titles', async () => {
    const uri = await file('features', 'FEAT-001');
    const { end } = placeOf((await workspace.openTextDocument(uri)).getText(), 'specs: [');
    const list = await commands.executeCommand<CompletionList>('vscode.executeCompletionItemProvider', uri, end);
    const labels = list.items.map(({ label }) => JSON.stringify(label));
    assert.ok(
      labels.some((label) => label.includes('SPEC-003')),
      labels.slice(0, 20).join(),
    );
  });

  it('names commands in code actions that the extension has', async () => {
    const uri = await file('features', 'FEAT-001');
    const actions = await actionsAt(uri, new Range(0, 0, 0, 0));
    const named = actions.flatMap(({ command }) => (command?.command.startsWith('ckit.') ? [command] : []));
    assert.deepEqual(named.map(({ command }) => command).sort(), ['ckit.generatePrompt', 'ckit.generateSpec']);
    const known = await commands.getCommands(true);
    for (const { command } of named) assert.ok(known.includes(command), command);
    const prompt = named.find(({ command }) => command === 'ckit.generatePrompt');
    await commands.executeCommand('ckit.generatePrompt', ...(prompt?.arguments ?? []));
    const shown = await active('the prompt', ({ uri }) => uri.scheme === 'ckit-text');
    assert.equal(shown.languageId, 'markdown');
    assert.match(shown.getText(), /FEAT-001/);
  });

  it('shows the impact of what is typed and not saved', async () => {
    const uri = await file('features', 'FEAT-003');
    const document = await workspace.openTextDocument(uri);
    await window.showTextDocument(document);
    await replace(document, 'status: in-progress', 'status: done');
    await commands.executeCommand('ckit.impactUnsaved');
    const groups = parts.impactTree.getChildren().map((group) => parts.impactTree.getTreeItem(group).label);
    assert.ok(groups.includes('Changed'), groups.join());
    const changed = parts.impactTree.getChildren(parts.impactTree.getChildren()[0]);
    assert.deepEqual(
      changed.map((row) => parts.impactTree.getTreeItem(row)).map(({ label, description }) => [label, description]),
      [['FEAT-003', 'changed status']],
    );
    await reverted(document);
  });
});

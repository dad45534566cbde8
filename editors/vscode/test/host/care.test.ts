import assert from 'node:assert/strict';
import { commands, EventEmitter, languages, MarkdownString, window, workspace } from 'vscode';
import type { Insides } from '../../src/extension';
import type { Node } from '../../src/entityTree';
import { active, file, insides, standIn, until } from './insides';
import { answering } from './person';

let parts: Insides;
before(async () => {
  parts = await insides();
});

/** Opens a file, and waits until menus are told this of it; what they are told of the one before may come late. */
async function offers(kind: string, id: string, wanted: { entity: boolean; spec: boolean }): Promise<void> {
  const told = new Map<unknown, unknown>();
  const next = new EventEmitter<void>();
  const { executeCommand } = commands;
  const listen = async (name: string, ...rest: unknown[]): Promise<unknown> => {
    const result = await executeCommand(name, ...rest);
    if (name === 'setContext') {
      told.set(rest[0], rest[1]);
      next.fire();
    }
    return result;
  };
  Object.assign(commands, { executeCommand: listen });
  try {
    await window.showTextDocument(await file(kind, id));
    const { entity, spec } = wanted;
    const fits = (): boolean => told.get('ckit.entityHere') === entity && told.get('ckit.specHere') === spec;
    await until(next.event, `what menus know of ${id}`, fits);
  } finally {
    Object.assign(commands, { executeCommand });
  }
}

describe('care', () => {
  it('is taken that menus offer what is made of specifications for these alone', async () => {
    await offers('tasks', 'T-003', { entity: true, spec: false });
    await offers('specs', 'SPEC-003', { entity: true, spec: true });
    await window.showTextDocument(await workspace.openTextDocument({ content: 'id: none', language: 'yaml' }));
    await commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await offers('features', 'FEAT-002', { entity: true, spec: false });
  });

  it('is taken that a pipeline shows the files that it would write, and writes none without a yes', async () => {
    const generated = (): Thenable<unknown[]> => workspace.findFiles('generated/prompts/**', null);
    assert.deepEqual(await generated(), []);
    const { messages } = await answering(['generate', undefined], () => commands.executeCommand('ckit.runPipeline'));
    assert.match(messages.join(), /^Write \d+ files\?$/);
    assert.deepEqual(await generated(), []);
  });

  it('is taken that a pipeline about an entity is told which', async () => {
    await commands.executeCommand('workbench.action.closeAllEditors');
    const { messages } = await answering(['impact', 'FEAT-003'], () => commands.executeCommand('ckit.runPipeline'));
    assert.match(messages.join(), /^impact has succeeded/);
    const shown = await active('what it found', ({ uri }) => uri.scheme === 'ckit-text');
    assert.match(shown.getText(), /FEAT-003/);
    await commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('is taken that a text outlives its document, which may be shown again', async () => {
    const uri = parts.texts.put('Kept.md', '# Kept');
    const document = await workspace.openTextDocument(uri);
    const ended = new Promise<void>((resolve) => {
      const listening = workspace.onDidCloseTextDocument((closed) => {
        if (closed.uri.toString() !== uri.toString()) return;
        listening.dispose();
        resolve();
      });
    });
    // VS Code ends one that gets another language, as it does after minutes where only a preview has it.
    await languages.setTextDocumentLanguage(document, 'plaintext');
    await ended;
    assert.equal(parts.texts.provideTextDocumentContent(uri), '# Kept');
    await parts.texts.close('Kept.md');
    assert.equal(parts.texts.provideTextDocumentContent(uri), '');
  });

  it('is taken that what a repository says is text, and fetches no picture', async () => {
    const [type] = await parts.entityTree.getChildren();
    const [entity] = (await parts.entityTree.getChildren(type)) as Extract<Node, { kind: 'entity' }>[];
    const title = '![seen](https://example.org/seen.png) [go](https://example.org)';
    const { tooltip } = parts.entityTree.getTreeItem({ ...entity!, entity: { ...entity!.entity, title } });
    assert.ok(tooltip instanceof MarkdownString);
    assert.doesNotMatch(tooltip.value, /(?<!\\)\]\(/);
    assert.match(tooltip.value, /seen/);
  });

  it('is taken that a page opens nothing outside of its repository, and that odd messages do nothing', async () => {
    const { webview, sent, got, next } = standIn<unknown>();
    const link = parts.link(webview, false);
    const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
    const told = new EventEmitter<string>();
    const { showErrorMessage } = window;
    Object.assign(window, { showErrorMessage: async (message: string) => told.fire(message) });
    const editors = window.visibleTextEditors.length;
    try {
      const heard: string[] = [];
      told.event((message) => heard.push(message));
      const refused = until(told.event, 'a refusal', () => heard.length > 0);
      for (const odd of [null, 'ready', { kind: 'open', path: 1, range }, { kind: 'request', id: 1 }]) sent.fire(odd);
      sent.fire({ kind: 'open', path: '../../../../etc/hostname', range });
      await refused;
      assert.match(heard.join(), /does not lie in lantern/);
    } finally {
      Object.assign(window, { showErrorMessage });
    }
    sent.fire({ kind: 'request', id: 2, method: 'ckit/repo/graph', params: { limit: 1 } });
    await until(next.event, 'an answer', () => got.length > 0);
    assert.deepEqual(got.map((each) => 'id' in each && each.id), [2]);
    assert.equal(window.visibleTextEditors.length, editors);
    link.dispose();
  });
});

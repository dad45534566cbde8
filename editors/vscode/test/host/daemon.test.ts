import assert from 'node:assert/strict';
import { commands, workspace } from 'vscode';
import { Daemon } from '@ckit/client';
import type { Insides } from '../../src/extension';
import { active, configure, file, insides, previewed, textOf } from './insides';
import { answering } from './person';

let parts: Insides;
before(async () => {
  parts = await insides();
});

describe('the daemon', () => {
  it('shows what it has done, and the settings in use', async () => {
    await commands.executeCommand('ckit.showMetrics');
    await previewed('What the daemon has done.md', /\n\| `ckit\/entity\/list` \| ok \| \d+ \|/);
    await commands.executeCommand('ckit.showSettings');
    await previewed('Settings in use.md', /\n\| `models\.chat` \| `"offline\/offline"` \| default \|/);
  });

  it('finds entities that are like one, and opens what the person chooses', async () => {
    let chosen = '';
    const { questions } = await answering(
      [
        ({ labels }) => {
          chosen = labels.find((each) => each.includes('US-')) ?? '';
          return chosen;
        },
      ],
      () => commands.executeCommand('ckit.findSimilar', { id: 'US-008' }),
    );
    assert.deepEqual(questions, ['Similar to US-008']);
    const [id = 'none'] = /US-\d+/.exec(chosen) ?? [];
    assert.notEqual(id, 'US-008');
    await active(id, ({ uri }) => uri.path.includes(`/${id}-`));
  });

  it('forgets its index once the person has said so', async () => {
    const client = await parts.session.client();
    const built = await client.request('ckit/rag/index', {});
    assert.equal(built.embedded, built.chunks);
    await answering([undefined], () => commands.executeCommand('ckit.clearIndex'));
    assert.equal((await client.request('ckit/rag/status', {})).embedded, built.embedded);
    const { messages } = await answering(['Delete the Index'], () => commands.executeCommand('ckit.clearIndex'));
    assert.deepEqual(messages, [
      'Delete the index of lantern?',
      `The index of lantern is deleted; it held ${built.embedded} passages.`,
    ]);
    assert.equal((await client.request('ckit/rag/status', {})).state, 'absent');
  });

  it('makes no index of a team anew before the person has said so', async () => {
    // Nobody answers there.
    await configure({ rag: { chromaUrl: 'http://127.0.0.1:9' } });
    try {
      for (const [command, question] of [
        ['ckit.rebuildIndex', 'Make the index of lantern anew?'],
        ['ckit.clearIndex', 'Delete the index of lantern?'],
      ] as const) {
        const { messages, details } = await answering([undefined], () => commands.executeCommand(command));
        assert.deepEqual(messages, [question]);
        assert.match(details.join(), /^It is on http:\/\/127\.0\.0\.1:9 and belongs to everybody who uses it there\./);
      }
    } finally {
      await configure(undefined);
    }
  });

  it('forgets the answers that it has kept', async () => {
    const { messages } = await answering([], () => commands.executeCommand('ckit.clearCache'));
    assert.match(messages.join(), /^\d+ kept answers? of models deleted\.$/);
  });

  it('goes by the model that the person chooses, which is a setting of theirs and no key', async () => {
    const { messages, questions } = await answering(['offline', 'offline', 'For both'], () =>
      commands.executeCommand('ckit.models'),
    );
    assert.deepEqual(questions, ['Models', 'Models of offline', 'Use offline/offline']);
    assert.deepEqual(messages, [
      'From now on conversations go to offline/offline, specifications, prompts and code to offline/offline.',
    ]);
    const settings = workspace.getConfiguration('ckit');
    const { globalValue, workspaceValue } = settings.inspect('config') ?? {};
    assert.deepEqual([globalValue, workspaceValue], [{ models: { chat: 'offline/offline' } }, undefined]);
    await configure(undefined);
  });

  it('takes an answer to what another window, or another editor, was asked', async () => {
    const uri = await file('tasks', 'T-005');
    const before = await textOf(uri);
    const path = workspace.getConfiguration('ckit').get<string>('path');
    const [folder] = workspace.workspaceFolders ?? [];
    assert.ok(path && folder);
    const other = await Daemon.spawn({ command: [path], folders: [{ uri: folder.uri.toString(), name: folder.name }] });
    try {
      const { session } = await other.client.request('ckit/session/create', {});
      const turn = other.client.turn({ sessionId: session.id, text: 'Set status of T-005 to blocked' });
      for await (const event of turn) if (event.type === 'itemStarted' && event.item.kind === 'approval') break;
      const { messages, questions } = await answering(['Deny'], () => commands.executeCommand('ckit.answer'));
      assert.deepEqual([messages, questions.length], [[], 1]);
      assert.equal((await turn.result).stopReason, 'endTurn');
      assert.equal(await textOf(uri), before);
    } finally {
      await other.dispose();
    }
    const { messages } = await answering([], () => commands.executeCommand('ckit.answer'));
    assert.deepEqual(messages, ['Nothing waits for approval.']);
  });
});

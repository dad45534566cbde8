import assert from 'node:assert/strict';
import { commands, window } from 'vscode';
import { active, file, insides, textOf, until } from './insides';
import { answering } from './person';

before(insides);

function proposals(): string[] {
  const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.map(({ label }) => label).filter((label) => label.startsWith('ckit proposes'));
}

describe('entities', () => {
  let former: string;

  it('are made from a builder template, with the links to them, once the person has seen how', async () => {
    const feature = await file('features', 'FEAT-002');
    former = await textOf(feature);
    let shown: string[] = [];
    const { questions } = await answering(
      [
        'User story',
        'Borrow a telescope',
        'FEAT-002',
        'member',
        'borrow a telescope',
        'the stars come closer',
        ...['It is lent for a week.', '', ''],
        ({ labels }) => {
          shown = proposals();
          return labels.find((each) => each.includes('Make US-012'));
        },
      ],
      () => commands.executeCommand('ckit.newEntity'),
    );
    assert.deepEqual(questions.slice(0, 2), ['New Entity', 'User story (1 of 8)']);
    assert.equal(shown.length, 1);
    assert.deepEqual(proposals(), []);
    const made = await file('userstories', 'US-012');
    await active('the new entity', ({ uri }) => uri.path === made.path);
    const text = await textOf(made);
    assert.match(text, /^id: "?US-012"?$/m);
    assert.match(text, /^title: "?Borrow a telescope"?$/m);
    assert.match(text, /^iWant: "?to borrow a telescope"?$/m);
    assert.match(await textOf(feature), /US-012/);
  });

  it('get another id everywhere, and keep it where the person says no', async () => {
    const feature = await file('features', 'FEAT-002');
    await answering(['US-050', 'Leave'], () => commands.executeCommand('ckit.renameEntity', { id: 'US-012' }));
    assert.match(await textOf(feature), /US-012/);
    await answering(['US-050', 'Rename it in 2 files'], () =>
      commands.executeCommand('ckit.renameEntity', { id: 'US-012' }),
    );
    assert.match(await textOf(await file('userstories', 'US-050')), /^id: "?US-050"?$/m);
    assert.match(await textOf(feature), /US-050/);
    assert.doesNotMatch(await textOf(feature), /US-012/);
  });

  it('go once the person has seen what names them, and leave nothing that does', async () => {
    const feature = await file('features', 'FEAT-002');
    await answering(['Leave'], () => commands.executeCommand('ckit.deleteEntity', { id: 'US-050' }));
    await file('userstories', 'US-050');
    const { messages, questions } = await answering(['Delete it, and take it out of 1 file'], () =>
      commands.executeCommand('ckit.deleteEntity', { id: 'US-050' }),
    );
    assert.deepEqual(questions, ['Delete US-050, named by FEAT-002']);
    assert.deepEqual(messages, ['US-050 is deleted.']);
    await assert.rejects(file('userstories', 'US-050'), /There is no file/);
    assert.equal(await textOf(feature), former);
    assert.deepEqual(proposals(), []);
    const { repositories, session } = await insides();
    const repository = await repositories.current();
    const gone = async (): Promise<boolean> =>
      (await repositories.entities(repository)).every(({ id }) => !['US-012', 'US-050'].includes(id));
    await until(session.onChange, 'a daemon that knows it', gone);
  });
});

import assert from 'node:assert/strict';
import { commands, extensions, workspace } from 'vscode';
import type { Insides } from '../../src/extension';
import type { Node } from '../../src/entityTree';
import { daemonPid, insides, until } from './insides';

let parts: Insides;
before(async () => {
  parts = await insides();
});

interface Manifest {
  contributes: {
    commands: { command: string }[];
    configuration: { properties: Record<string, { markdownDescription?: string }> };
  };
}

describe('the extension', () => {
  it('has every command that it contributes, and describes every setting', async () => {
    const { contributes } = extensions.getExtension('ckit.ckit')?.packageJSON as Manifest;
    const known = await commands.getCommands(true);
    const missing = contributes.commands.map(({ command }) => command).filter((command) => !known.includes(command));
    assert.deepEqual(missing, []);
    for (const [name, { markdownDescription }] of Object.entries(contributes.configuration.properties)) {
      assert.ok((markdownDescription ?? '').length > 20, name);
    }
  });

  it('starts the daemon that the setting names, and says that nobody else may', async () => {
    const client = await parts.session.client();
    const { repositories } = await client.request('ckit/repo/list', {});
    assert.deepEqual(
      repositories.map(({ trusted }) => trusted),
      [workspace.isTrusted],
    );
    const { status, ready } = await client.request('ckit/health', { fresh: true });
    assert.deepEqual({ status: status === 'failed', ready }, { status: false, ready: true });
  });

  it('shows all entities by type, with what is wrong below each', async () => {
    const types = (await parts.entityTree.getChildren()) as Extract<Node, { kind: 'type' }>[];
    assert.deepEqual(
      types.map(({ type, entities }) => `${type} ${entities.length}`),
      ['governance 1', 'feature 5', 'userstory 11', 'spec 7', 'task 12', 'service 4', 'package 3'],
    );
    const [features] = types.filter(({ type }) => type === 'feature');
    const { resourceUri } = parts.entityTree.getTreeItem(features!);
    assert.equal(parts.entityTree.provideFileDecoration(resourceUri!)?.tooltip, '1 finding');
    const [entity] = await parts.entityTree.getChildren(features);
    assert.equal(parts.entityTree.getTreeItem(entity!).label, 'FEAT-001');
    const [finding] = await parts.entityTree.getChildren(entity);
    assert.equal(parts.entityTree.getTreeItem(finding!).command?.command, 'ckit.openPlace');
  });

  it('starts a daemon that dies again, with what it knew', async () => {
    const client = await parts.session.client();
    const { session } = await client.request('ckit/session/create', { title: 'Before' });
    const pid = daemonPid();
    const started = until(parts.session.onState, 'a new start', () => parts.session.state.name === 'starting');
    process.kill(pid, 'SIGKILL');
    await started;
    const again = await parts.session.client();
    const { sessions } = await again.request('ckit/session/list', {});
    assert.ok(sessions.some(({ id }) => id === session.id));
    assert.notEqual(daemonPid(), pid);
  });

  it('says what to do where there is no daemon, and starts one as soon as there is', async () => {
    const settings = workspace.getConfiguration('ckit');
    const path = settings.inspect<string>('path')?.globalValue;
    await settings.update('path', '/nowhere/ckit-daemon', true);
    await until(parts.session.onState, 'a missing daemon', () => parts.session.state.name === 'missing');
    await assert.rejects(parts.session.client(), /ckit\.path names \/nowhere\/ckit-daemon/);
    assert.deepEqual(await parts.entityTree.getChildren(), []);
    await settings.update('path', path, true);
    await until(parts.session.onState, 'a running daemon', () => parts.session.state.name === 'running');
    await parts.session.client();
  });
});

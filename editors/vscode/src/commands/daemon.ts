import { commands, window } from 'vscode';
import type { LogOutputChannel } from 'vscode';
import type { JsonValue } from '@ckit/client';
import { counted } from '../entityTree';
import type { Keys } from '../keys';
import { watched } from '../messages';
import { metricsReport } from '../reports/metrics';
import { settingsReport } from '../reports/settings';
import type { Status } from '../status';
import { explain } from '../trouble';
import type { Commands, Context } from './context';

/** Whether an index is on a server, where others use it, too. */
function isShared(store: string): boolean {
  return store !== 'embedded';
}

function ownersOf(store: string): string {
  return `It is on ${store} and belongs to everybody who uses it there.`;
}

/** Commands about the daemon itself: its health, its keys and models, its index. */
export function daemonCommands(context: Context, keys: Keys, status: Status, log: LogOutputChannel): Commands {
  const { repositories, session, texts } = context;

  /** A key that the daemon has got stays in its memory until it ends. */
  async function offerRestart(outdated: boolean): Promise<void> {
    if (!outdated) return;
    const restart = 'Restart Now';
    const choice = await window.showInformationMessage(
      'The daemon goes on with the former key until it restarts.',
      restart,
    );
    if (choice === restart) await session.restart();
  }

  async function testProvider(): Promise<void> {
    const client = await session.client();
    const { providers } = await client.request('ckit/provider/list', {});
    const items = providers.map((each) => ({
      label: each.name,
      description: [each.kind, each.baseUrl].filter(Boolean).join(' · '),
      detail: [each.status, each.reason].filter(Boolean).join(': '),
    }));
    const chosen = await window.showQuickPick(items, { title: 'Test a Provider of Models' });
    if (chosen === undefined) return;
    const name = chosen.label;
    const tried = await watched(client, `Asking ${name}`, 'ckit/provider/test', { provider: name });
    if (tried.ok) void window.showInformationMessage(`${tried.model} answers: ${tried.detail}`);
    else void window.showErrorMessage(`${tried.model}: ${tried.detail}`);
  }

  async function rebuildIndex(): Promise<void> {
    const client = await session.client();
    const { id, name } = await repositories.current();
    const { store } = await client.request('ckit/rag/status', { repository: id });
    if (isShared(store)) {
      const yes = 'Make It Anew';
      const detail = `${ownersOf(store)} Until it is complete, all of them find less by meaning.`;
      const choice = await window.showWarningMessage(`Make the index of ${name} anew?`, { modal: true, detail }, yes);
      if (choice !== yes) return;
    }
    const { chunks, embedder } = await watched(client, 'Building the index', 'ckit/rag/index', {
      repository: id,
      rebuild: true,
    });
    void window.showInformationMessage(`${chunks} passages can be found by meaning (${embedder}).`);
  }

  async function clearIndex(): Promise<void> {
    const client = await session.client();
    const { id, name } = await repositories.current();
    const { embedded, store } = await client.request('ckit/rag/status', { repository: id });
    const yes = 'Delete the Index';
    const until = `${embedded} passages are found by words alone until the next question has it built again.`;
    const detail = isShared(store) ? `${ownersOf(store)} ${until}` : until;
    const choice = await window.showWarningMessage(`Delete the index of ${name}?`, { modal: true, detail }, yes);
    if (choice !== yes) return;
    const { removed } = await client.request('ckit/rag/clear', { repository: id });
    void window.showInformationMessage(`The index of ${name} is deleted; it held ${removed} passages.`);
  }

  async function clearCache(): Promise<void> {
    const client = await session.client();
    const { removed } = await client.request('ckit/provider/clearCache', {});
    void window.showInformationMessage(`${counted(removed, 'kept answer')} of models deleted.`);
  }

  async function showMetrics(): Promise<void> {
    const client = await session.client();
    await texts.preview('What the daemon has done.md', metricsReport(await client.request('ckit/metrics', {})));
  }

  async function showSettings(): Promise<void> {
    const client = await session.client();
    const found = await client.request('ckit/config/get', {});
    await texts.preview('Settings in use.md', settingsReport(found.settings, found.warnings));
  }

  async function references(): Promise<string[]> {
    if (session.state.name !== 'running') return [];
    const client = await session.client();
    const { settings } = await client.request('ckit/config/get', {});
    return settings.flatMap(({ value }) => [...clientKeys(value)]);
  }

  return {
    'ckit.health': () => status.details(),
    'ckit.restart': async () => {
      await session.restart();
      await explain(session.state);
    },
    'ckit.showLog': () => log.show(true),
    'ckit.setKey': async () => offerRestart(await keys.set(await references())),
    'ckit.clearKey': async () => offerRestart(await keys.clear()),
    'ckit.testProvider': testProvider,
    'ckit.rebuildIndex': rebuildIndex,
    'ckit.clearIndex': clearIndex,
    'ckit.clearCache': clearCache,
    'ckit.showMetrics': showMetrics,
    'ckit.showSettings': showSettings,
    'ckit.walkthrough': async () => {
      await commands.executeCommand('workbench.action.openWalkthrough', 'ckit.ckit#ckit.start', false);
      // VS Code ticks a step off with a change of the context, and sees none in what was so before.
      await commands.executeCommand('setContext', 'ckit.walkthrough', true);
    },
  };
}

/** Every reference to a key of the client that a setting holds. */
function* clientKeys(value: JsonValue | undefined): Iterable<string> {
  if (typeof value === 'string') {
    if (value.startsWith('client:')) yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) yield* clientKeys(each as JsonValue);
  }
}

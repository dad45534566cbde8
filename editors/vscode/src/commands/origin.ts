import { window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import { CkitError } from '@ckit/client';
import type { CkitClient, GenerationExplainResult, LogSummary } from '@ckit/client';
import type { Written } from '../generations';
import { originReport } from '../reports/origin';
import type { Commands, Context } from './context';
import { targetOf } from './target';

/** Commands about what was generated: where it came from, its log, and how to take it back. */
export function originCommands({ generations, repositories, session, texts }: Context): Commands {
  async function explain(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Explain Where This Was Made');
    if (target === undefined) return;
    const { id, repository } = target;
    const client = await session.client();
    const found = await client.request('ckit/generation/explain', { repository: repository.id, entity: id });
    await texts.preview(`Where ${id} was made.md`, originReport(found));
  }

  async function openLog(): Promise<void> {
    const client = await session.client();
    const repository = await repositories.current();
    const { entries } = await client.request('ckit/specLog/list', { repository: repository.id });
    if (entries.length === 0) {
      void window.showInformationMessage('Nothing was generated in this repository yet.');
      return;
    }
    const items = entries.map((entry): QuickPickItem & { entry: LogSummary } => ({
      entry,
      label: `$(${entry.status === 'success' ? 'pass' : 'warning'}) ${entry.specId ?? entry.requestType ?? entry.id}`,
      description: [entry.requestType, entry.timestamp && new Date(entry.timestamp).toLocaleString()]
        .filter(Boolean)
        .join(' · '),
      detail: entry.problems.length > 0 ? `$(error) ${entry.problems.join('; ')}` : entry.entities.join(', '),
    }));
    const options = { title: 'Log of Specifications', matchOnDescription: true, matchOnDetail: true };
    const chosen = await window.showQuickPick(items, options);
    if (chosen === undefined) return;
    const where = { repository: repository.id, id: chosen.entry.id };
    const { entry, summary } = await client.request('ckit/specLog/get', where);
    // What is no JSON is shown as its file has it.
    if (entry === null) await repositories.open(repository, summary.path);
    else await texts.show(`${summary.id}.json`, JSON.stringify(entry, null, 2), 'json');
  }

  async function undo(argument: unknown): Promise<void> {
    const client = await session.client();
    const chosen = argument === undefined ? await pickWritten(client) : await newestOf(client, argument);
    if (chosen === undefined) return;
    const where = { repository: chosen.repository, generationId: chosen.id };
    const { files } = await client.request('ckit/code/undo', where);
    await generations.remove(chosen.id);
    const repository = (await repositories.list()).find(({ id }) => id === chosen.repository);
    if (repository) await repositories.closeGone(repository, files);
    void window.showInformationMessage(`${chosen.what} is taken back: ${files.join(', ')}`);
  }

  /** The newest generation of an entity. */
  async function newestOf(client: CkitClient, argument: unknown): Promise<Written | undefined> {
    const target = await targetOf(repositories, argument, 'Undo the Generation of');
    if (target === undefined) return undefined;
    const { id, repository } = target;
    const params = { repository: repository.id, entity: id };
    const { generation } = await client.request('ckit/generation/explain', params);
    return { id: generation.id, repository: repository.id, what: id };
  }

  /** Lets the person choose among what was generated here and is still as it was written. */
  async function pickWritten(client: CkitClient): Promise<Written | undefined> {
    const open = new Set((await repositories.list()).map(({ id }) => id));
    const all = generations.written.filter(({ repository }) => open.has(repository));
    const explained = await Promise.all(all.map((each) => stateOf(client, each)));
    const items = explained.flatMap((found, index): (QuickPickItem & { written: Written })[] => {
      const written = all[index];
      const files = found?.generation.files.filter(({ state }) => state === 'written') ?? [];
      if (written === undefined || found === undefined || files.length === 0) return [];
      const when = new Date(found.generation.createdAt).toLocaleString();
      return [{ written, label: written.what, description: when, detail: files.map(({ path }) => path).join(', ') }];
    });
    if (items.length === 0) {
      void window.showInformationMessage('Nothing that was generated here can be taken back.');
      return undefined;
    }
    const options = { title: 'Undo the Last Generation', placeHolder: 'These files go back to what they were before' };
    return (await window.showQuickPick(items, options))?.written;
  }

  return { 'ckit.explain': explain, 'ckit.openSpecLog': openLog, 'ckit.undoGeneration': undo };
}

/** What became of a generation; nothing where the daemon has forgotten it. */
async function stateOf(client: CkitClient, { id, repository }: Written): Promise<GenerationExplainResult | undefined> {
  try {
    return await client.request('ckit/generation/explain', { repository, id });
  } catch (error) {
    if (error instanceof CkitError && error.code === 'not_found') return undefined;
    throw error;
  }
}

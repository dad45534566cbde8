import { window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import { CkitError } from '@ckit/client';
import type { CkitClient, EntityCreateParams, EntityEditResult, RepositoryInfo } from '@ckit/client';
import { confirmed } from '../confirm';
import { counted } from '../entityTree';
import type { BuilderTemplate } from '../template';
import type { Commands, Context } from './context';
import { field, repositoryOf, targetOf } from './target';

let changes = 0;

/** Commands that change entities without a language model: what would change is shown first. */
export function editCommands({ proposals, repositories, session }: Context): Commands {
  /** Shows a change, and makes it once the person wants it; false where they don't. */
  async function make(
    repository: RepositoryInfo,
    title: string,
    yes: string,
    plan: () => Promise<EntityEditResult>,
  ): Promise<boolean> {
    const { diff, warnings } = await plan();
    const change = { id: `edit-${++changes}`, title, diff, repository: repository.id };
    if (!(await confirmed(proposals, change, yes, warnings))) return false;
    const now = await plan();
    if (now.diff !== diff) throw new Error('The repository has changed since this was shown, so nothing was done.');
    await session.apply(now.edit);
    return true;
  }

  async function create(argument: unknown): Promise<void> {
    const client = await session.client();
    const repository = await repositoryOf(repositories, argument);
    const type = field(argument, 'type');
    const template = await pickTemplate(client, repository, typeof type === 'string' ? type : undefined);
    if (template?.type === undefined) return;
    const values = await fill(repository, template);
    if (values === undefined) return;
    const params = { repository: repository.id, type: template.type, template: template.name, values };
    const preview = await previewOf(client, params);
    if (preview === undefined) return;
    const { allowInvalid, made } = preview;
    const plan = () => client.request('ckit/entity/create', { ...params, id: made.id, allowInvalid });
    const changed = await make(repository, `New ${template.type} ${made.id}`, `Make ${made.id}`, plan);
    if (changed && made.path) await repositories.open(repository, made.path, undefined, false);
  }

  async function pickTemplate(
    client: CkitClient,
    repository: RepositoryInfo,
    wanted: string | undefined,
  ): Promise<BuilderTemplate | undefined> {
    const all = await repositories.templates(repository);
    const templates = wanted === undefined ? all : all.filter(({ type }) => type === undefined || type === wanted);
    if (templates.length === 0) {
      const what = wanted === undefined ? '' : ` for a ${wanted}`;
      throw new Error(`There is no builder template${what}; templates belong into .context/templates/builder.`);
    }
    const items = templates.map((template): QuickPickItem & { template: BuilderTemplate } => ({
      template,
      label: template.title,
      description: template.type ?? 'any type',
      detail: template.description,
    }));
    const options = { title: 'New Entity', placeHolder: 'Start from', matchOnDescription: true, matchOnDetail: true };
    const template = (await window.showQuickPick(items, options))?.template;
    if (template === undefined || template.type !== undefined) return template;
    const { types } = await client.request('ckit/repo/inspect', { repository: repository.id });
    const named = types.map((each) => each.type);
    const type = wanted ?? (await window.showQuickPick(named, { title: template.title, placeHolder: 'Type' }));
    return { ...template, type };
  }

  /** Asks for what a template leaves open; an empty answer leaves it to the editor. */
  async function fill(
    repository: RepositoryInfo,
    template: BuilderTemplate,
  ): Promise<Record<string, string> | undefined> {
    const { placeholders, title } = template;
    const types = new Set((await repositories.entities(repository)).map(({ type }) => type));
    const values: Record<string, string> = {};
    for (const [index, name] of placeholders.entries()) {
      const step = `${title} (${index + 1} of ${placeholders.length})`;
      if (types.has(name)) {
        const entity = await repositories.pick(repository, `${step}: ${name}`, [name]);
        if (entity === undefined) return undefined;
        values[name] = entity.id;
        continue;
      }
      const prompt = `${name}. Leave it empty to fill it in later.`;
      const value = await window.showInputBox({ title: step, prompt, ignoreFocusOut: true });
      if (value === undefined) return undefined;
      if (value !== '') values[name] = value;
    }
    return values;
  }

  async function rename(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Rename the Id of');
    if (target === undefined) return;
    const { id, repository } = target;
    const newId = await window.showInputBox({
      title: `Rename ${id}`,
      prompt: 'It is renamed wherever it is named, its file included.',
      value: id,
      validateInput: (value) => (/^\s*\S+\s*$/.test(value) ? undefined : 'An id has no spaces.'),
    });
    if (newId === undefined || newId.trim() === id) return;
    const client = await session.client();
    const params = { repository: repository.id, id, newId: newId.trim() };
    const plan = () => client.request('ckit/entity/rename', params);
    const { files, path } = await plan();
    const yes = `Rename it in ${counted(files.length, 'file')}`;
    const changed = await make(repository, `Rename ${id} to ${params.newId}`, yes, plan);
    if (changed && path) await repositories.open(repository, path);
  }

  async function remove(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Delete');
    if (target === undefined) return;
    const { id, repository } = target;
    const client = await session.client();
    const params = { repository: repository.id, id, references: 'remove' as const };
    const plan = () => client.request('ckit/entity/delete', params);
    const others = (await plan()).files.length - 1;
    const named = await namesOf(client, repository, id);
    const title =
      named.length === 0 ? `Delete ${id}, which nothing names` : `Delete ${id}, named by ${named.join(', ')}`;
    const yes = `Delete it${others > 0 ? `, and take it out of ${counted(others, 'file')}` : ''}`;
    if (await make(repository, title, yes, plan)) void window.showInformationMessage(`${id} is deleted.`);
  }

  return { 'ckit.newEntity': create, 'ckit.renameEntity': rename, 'ckit.deleteEntity': remove };
}

/** What a new entity would be; one that breaks its schema, such as a half filled draft, once the person wants it. */
async function previewOf(
  client: CkitClient,
  params: EntityCreateParams,
): Promise<{ made: EntityEditResult; allowInvalid: boolean } | undefined> {
  try {
    return { made: await client.request('ckit/entity/create', params), allowInvalid: false };
  } catch (error) {
    if (!(error instanceof CkitError) || !Array.isArray(error.details['errors'])) throw error;
    const go = 'Make It Anyway';
    const options = { modal: true, detail: 'What is missing is marked in its file.' };
    if ((await window.showWarningMessage(error.message, options, go)) !== go) return undefined;
    const made = await client.request('ckit/entity/create', { ...params, allowInvalid: true });
    return { made, allowInvalid: true };
  }
}

/** Ids of the entities whose files name an entity. */
async function namesOf(client: CkitClient, repository: RepositoryInfo, id: string): Promise<string[]> {
  try {
    await client.request('ckit/entity/delete', { repository: repository.id, id, references: 'refuse' });
    return [];
  } catch (error) {
    if (!(error instanceof CkitError) || !Array.isArray(error.details['references'])) throw error;
    return [...new Set(error.details['references'].map((each) => (each as { id: string }).id))];
  }
}

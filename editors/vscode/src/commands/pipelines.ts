import { window } from 'vscode';
import type { MessageOptions, QuickPickItem } from 'vscode';
import { CkitError } from '@ckit/client';
import type { CkitClient, JsonValue, Pipeline, PipelineRunParams, PipelineRunResult, RepositoryInfo } from '@ckit/client';
import { counted } from '../entityTree';
import { watched } from '../messages';
import type { Commands, Context } from './context';
import { field, targetOf } from './target';

const RUN = 'Run It';
/** So many paths have room in a question. */
const MOST_SHOWN = 12;

/** Commands that run a repository's pipelines: the built-in ones, and its own scripts once the person has seen them. */
export function pipelineCommands({ repositories, session, texts }: Context): Commands {
  async function run(): Promise<void> {
    const client = await session.client();
    const repository = await repositories.current();
    const { pipelines } = await client.request('ckit/pipeline/list', { repository: repository.id });
    const items = pipelines.map((pipeline): QuickPickItem & { pipeline: Pipeline } => ({
      pipeline,
      label: `$(${pipeline.engine === 'script' ? 'terminal' : 'play'}) ${pipeline.name}`,
      description: pipeline.description,
      ...(pipeline.available ? {} : { detail: `$(circle-slash) ${pipeline.reason ?? 'It can not run now.'}` }),
    }));
    const chosen = await window.showQuickPick(items, { title: 'Run a Pipeline', matchOnDescription: true });
    if (chosen === undefined) return;
    const ids = await idsFor(chosen.pipeline, repository);
    if (ids === undefined) return;
    const done = await runOnce(client, { repository: repository.id, ...ids }, chosen.pipeline);
    if (done === undefined) return;
    const text =
      done.output === undefined ? `${done.stdout ?? ''}${done.stderr ?? ''}` : JSON.stringify(done.output, null, 2);
    const language = done.output === undefined ? 'log' : 'json';
    await texts.show(`${done.name}.${language}`, text, language);
    const seconds = (done.durationMs / 1000).toFixed(1);
    if (done.ok) void window.showInformationMessage(`${done.name} has succeeded in ${seconds} s.`);
    else void window.showWarningMessage(`${done.name} has failed after ${seconds} s.`);
  }

  /** What a pipeline is to be about, where it has to be told; nothing where the person names none. */
  async function idsFor(
    { engine, name }: Pipeline,
    repository: RepositoryInfo,
  ): Promise<Pick<PipelineRunParams, 'ids'> | undefined> {
    if (engine === 'script' || name !== 'impact') return {};
    const target = await targetOf(repositories, { repository: repository.id }, 'Impact of a Change of');
    return target && { ids: [target.id] };
  }

  return { 'ckit.runPipeline': run };
}

/** Runs a pipeline; what it would write, and a script that nobody has seen yet, is shown first. */
async function runOnce(
  client: CkitClient,
  where: Pick<PipelineRunParams, 'repository' | 'ids'>,
  { engine, name }: Pipeline,
): Promise<PipelineRunResult | undefined> {
  const params = { ...where, name, engine };
  const title = `Running ${name}`;
  // The only one of the built-in ones that writes files.
  if (engine !== 'script' && name === 'generate' && !(await mayWrite(client, params))) return undefined;
  try {
    return await watched(client, title, 'ckit/pipeline/run', params);
  } catch (error) {
    if (!(error instanceof CkitError) || error.details['needs'] !== 'confirm') throw error;
    const { command, source } = error.details;
    const line = Array.isArray(command) ? command.join(' ') : name;
    const detail = `$ ${line}\n\nIt is a script of the repository: ${String(source)}`;
    const options: MessageOptions = { modal: true, detail };
    const choice = await window.showWarningMessage(`Run ${name}?`, options, RUN);
    return choice === RUN ? watched(client, title, 'ckit/pipeline/run', { ...params, confirm: true }) : undefined;
  }
}

/** Asks whether the files may be written that a pipeline would write. */
async function mayWrite(client: CkitClient, params: PipelineRunParams): Promise<boolean> {
  const { output } = await watched(client, 'Looking at what would be written', 'ckit/pipeline/run', {
    ...params,
    dryRun: true,
  });
  const paths = [...pathsIn(output)];
  const more = paths.length > MOST_SHOWN ? `\n… and ${paths.length - MOST_SHOWN} more` : '';
  const options: MessageOptions = { modal: true, detail: paths.slice(0, MOST_SHOWN).join('\n') + more };
  const write = 'Write Them';
  return (await window.showWarningMessage(`Write ${counted(paths.length, 'file')}?`, options, write)) === write;
}

/** The paths that the output of `generate` names. */
function* pathsIn(output: JsonValue | undefined): Iterable<string> {
  for (const each of (field(output, 'generated') as unknown[] | undefined) ?? []) {
    for (const name of ['path', 'checklist']) {
      const path = field(each, name);
      if (typeof path === 'string') yield path;
    }
  }
}

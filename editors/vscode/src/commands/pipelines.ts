import { window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import { CkitError } from '@ckit/client';
import type { CkitClient, Pipeline, PipelineRunResult, RepositoryInfo } from '@ckit/client';
import { watched } from '../messages';
import type { Commands, Context } from './context';

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
    const done = await runOnce(client, repository, chosen.pipeline);
    if (done === undefined) return;
    const text =
      done.output === undefined ? `${done.stdout ?? ''}${done.stderr ?? ''}` : JSON.stringify(done.output, null, 2);
    const language = done.output === undefined ? 'log' : 'json';
    await texts.show(`${done.name}.${language}`, text, language);
    const seconds = (done.durationMs / 1000).toFixed(1);
    if (done.ok) void window.showInformationMessage(`${done.name} has succeeded in ${seconds} s.`);
    else void window.showWarningMessage(`${done.name} has failed after ${seconds} s.`);
  }

  return { 'ckit.runPipeline': run };
}

/** Runs a pipeline; a script that nobody has seen yet is shown first. */
async function runOnce(
  client: CkitClient,
  repository: RepositoryInfo,
  { engine, name }: Pipeline,
): Promise<PipelineRunResult | undefined> {
  const params = { repository: repository.id, name, engine };
  const title = `Running ${name}`;
  try {
    return await watched(client, title, 'ckit/pipeline/run', params);
  } catch (error) {
    if (!(error instanceof CkitError) || error.details['needs'] !== 'confirm') throw error;
    const { command, source } = error.details;
    const line = Array.isArray(command) ? command.join(' ') : name;
    const run = 'Run It';
    const detail = `$ ${line}\n\nIt is a script of the repository: ${String(source)}`;
    const choice = await window.showWarningMessage(`Run ${name}?`, { modal: true, detail }, run);
    return choice === run ? watched(client, title, 'ckit/pipeline/run', { ...params, confirm: true }) : undefined;
  }
}

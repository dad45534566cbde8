import { env, window } from 'vscode';
import type { CodeGenerateResult, EntityChange, RepositoryInfo, SpecGenerateResult } from '@ckit/client';
import { failed, watched } from '../messages';
import type { Commands, Context } from './context';
import { targetOf } from './target';

/** Commands that have something written: specifications, prompts, code, entities. */
export function makeCommands(context: Context): Commands {
  const { generations, repositories, session, texts } = context;

  /** Has what was made written into the repository; the daemon asks the person first, with a diff. */
  async function save(
    repository: RepositoryInfo,
    made: SpecGenerateResult | EntityChange | CodeGenerateResult,
    what: string,
  ): Promise<void> {
    for (const warning of made.warnings) void window.showWarningMessage(`ckit: ${warning}`);
    const client = await session.client();
    const where = { repository: repository.id, generationId: made.generationId };
    const { files } = await client.request('ckit/code/apply', where);
    await generations.add({ id: made.generationId, repository: repository.id, what });
    const first = 'path' in made ? made.path : (made.artifacts[0]?.path ?? files[0]);
    if (first !== undefined) await repositories.open(repository, first, undefined, false);
    const undo = 'Undo';
    void window.showInformationMessage(`${what} is saved.`, undo).then(async (choice) => {
      if (choice !== undo) return;
      try {
        // The daemon of then may be gone when somebody answers.
        const undone = await (await session.client()).request('ckit/code/undo', where);
        await generations.remove(made.generationId);
        await repositories.closeGone(repository, undone.files);
      } catch (error) {
        failed(error);
      }
    });
  }

  async function generateSpec(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Write a Specification of');
    if (target === undefined) return;
    const { id, repository } = target;
    const requirement = await window.showInputBox({
      title: `Specification of ${id}`,
      prompt: 'What must be true? Leave it empty to go by the entity alone.',
    });
    if (requirement === undefined) return;
    const client = await session.client();
    const name = `Specification of ${id}.md`;
    let text = '';
    await texts.show(name, '', 'markdown');
    const params = { repository: repository.id, entities: [id], ...(requirement ? { requirement } : {}) };
    try {
      const made = await watched(client, `Writing a specification of ${id}`, 'ckit/spec/generate', params, (part) => {
        text += part;
        texts.put(name, text);
      });
      // What counts is the whole, whatever was streamed.
      texts.put(name, made.markdown);
      await save(repository, made, made.id);
    } finally {
      await texts.close(name);
    }
  }

  async function generateCode(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Write the Code of', ['spec']);
    if (target === undefined) return;
    const { id, repository } = target;
    const client = await session.client();
    const params = { repository: repository.id, spec: id };
    const made = await watched(client, `Writing the code of ${id}`, 'ckit/code/generate', params);
    await save(repository, made, `The code of ${id}`);
  }

  async function generateEntity(): Promise<void> {
    const client = await session.client();
    const repository = await repositories.current();
    const { types } = await client.request('ckit/repo/inspect', { repository: repository.id });
    const type = await window.showQuickPick(
      types.map((each) => each.type),
      { title: 'New Entity', placeHolder: 'Type' },
    );
    if (type === undefined) return;
    const request = await window.showInputBox({ title: `New ${type}`, prompt: 'What is it to be, in your own words?' });
    if (!request) return;
    const params = { repository: repository.id, type, request };
    const made = await watched(client, `Writing a ${type}`, 'ckit/entity/generate', params);
    await save(repository, made, made.id);
  }

  async function promptify(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Make a Prompt of', ['spec']);
    if (target === undefined) return;
    const purpose = await window.showQuickPick(
      [
        { label: 'codegen', description: 'to have it built' },
        { label: 'review', description: 'to have it looked at' },
        { label: 'test', description: 'to have it tested' },
      ],
      { title: `Prompt of ${target.id}`, placeHolder: 'What for' },
    );
    if (purpose === undefined) return;
    const client = await session.client();
    const made = await watched(client, `Making a prompt of ${target.id}`, 'ckit/spec/promptify', {
      repository: target.repository.id,
      id: target.id,
      target: purpose.label,
    });
    await texts.show(`Prompt of ${target.id} (${purpose.label}).md`, made.prompt, 'markdown');
    const left = made.receipts.filter(({ state }) => state !== 'whole').length;
    const cut = left > 0 ? `, ${left} parts cut or left out` : '';
    offerCopy(`${made.tokens} of ${made.maxTokens} tokens${cut}.`, made.prompt);
  }

  async function generatePrompt(argument: unknown): Promise<void> {
    const target = await targetOf(repositories, argument, 'Render the Prompt of');
    if (target === undefined) return;
    const { id, repository } = target;
    const client = await session.client();
    const made = await client.request('ckit/prompt/render', { repository: repository.id, id });
    await texts.show(`Prompt of ${id}.md`, made.prompt, 'markdown');
    const write = `Write ${made.promptPath}`;
    offerCopy(`Rendered with ${made.template}.`, made.prompt, write, async () => {
      const now = await session.client();
      const written = await now.request('ckit/prompt/render', { repository: repository.id, id, write: true });
      await repositories.open(repository, written.promptPath, undefined, false);
    });
  }

  return {
    'ckit.generateSpec': generateSpec,
    'ckit.generateCode': generateCode,
    'ckit.generateEntity': generateEntity,
    'ckit.generatePrompt': generatePrompt,
    'ckit.promptify': promptify,
  };
}

/** Says something about a text, without waiting, and offers to copy it or to do something else with it. */
function offerCopy(message: string, text: string, other?: string, act?: () => Promise<void>): void {
  const copy = 'Copy';
  void window.showInformationMessage(message, copy, ...(other === undefined ? [] : [other])).then(async (choice) => {
    try {
      if (choice === copy) await env.clipboard.writeText(text);
      else if (choice !== undefined) await act?.();
    } catch (error) {
      failed(error);
    }
  });
}

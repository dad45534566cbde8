import { isDeepStrictEqual } from 'node:util';
import { ConfigurationTarget, window, workspace } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { JsonValue, Model, Provider, ProviderListResult } from '@ckit/client';
import { watched } from '../messages';
import { modelLine, providerLine } from '../reports/models';
import type { Commands, Context } from './context';

type Purpose = 'chat' | 'generation' | 'both';
type Models = Record<string, JsonValue>;

const PURPOSES: (QuickPickItem & { purpose: Purpose })[] = [
  { label: 'For conversations and questions', purpose: 'chat' },
  { label: 'For specifications, prompts and code', purpose: 'generation' },
  { label: 'For both', purpose: 'both' },
];

/** The command that shows what models there are, and sets which of them is used for what. */
export function modelCommands({ session }: Context): Commands {
  async function models(): Promise<void> {
    const client = await session.client();
    const listed = await client.request('ckit/provider/list', {});
    const provider = await pickProvider(listed);
    if (provider === undefined) return;
    const title = `Models of ${provider}`;
    const offered = await watched(client, `Asking ${provider} for its models`, 'ckit/provider/models', { provider });
    const items = offered.models.map((model) => modelItem(model, provider, listed));
    const placeHolder = offered.complete ? 'Choose one to use it' : 'Those of the settings; the provider has no list';
    const model = await window.showQuickPick(items, { title, placeHolder, matchOnDetail: true });
    if (model === undefined) return;
    const restarts = 'The daemon restarts with it; what runs now ends';
    const chosen = await window.showQuickPick(PURPOSES, { title: `Use ${model.reference}`, placeHolder: restarts });
    if (chosen) await use(model.reference, chosen.purpose);
  }

  async function use(reference: string, purpose: Purpose): Promise<void> {
    const settings = workspace.getConfiguration('ckit');
    // Only what the person has set: what comes from elsewhere is no part of their settings.
    const config = settings.inspect<Record<string, JsonValue>>('config')?.globalValue ?? {};
    const former = (config['models'] ?? {}) as Models;
    // Without a model of its own, generation goes by the one for conversations.
    const { generation, ...rest } = former;
    const changed: Models =
      purpose === 'both'
        ? { ...rest, chat: reference }
        : { ...rest, ...(generation === undefined ? {} : { generation }), [purpose]: reference };
    if (!isDeepStrictEqual(changed, former)) {
      await settings.update('config', { ...config, models: changed }, ConfigurationTarget.Global);
    }
    // The new setting has begun a restart, and this waits for its end.
    const client = await session.client();
    const now = await client.request('ckit/provider/list', {});
    const [chat, made] = [`conversations go to ${now.chat}`, `specifications, prompts and code to ${now.generation}`];
    const message = `From now on ${chat}, ${made}.`;
    const wanted =
      purpose === 'generation' ? [now.generation] : purpose === 'chat' ? [now.chat] : [now.chat, now.generation];
    if (wanted.every((each) => each === reference)) void window.showInformationMessage(message);
    else void window.showWarningMessage(`The setting names ${reference}, but the daemon does not go by it. ${message}`);
  }

  return { 'ckit.models': models };
}

async function pickProvider({ chat, generation, providers }: ProviderListResult): Promise<string | undefined> {
  const items = providers.map((each: Provider) => ({
    label: `$(${each.status === 'ready' ? 'pass' : 'warning'}) ${each.name}`,
    description: each.purposes.join(', '),
    detail: providerLine(each),
    name: each.name,
  }));
  const placeHolder = `Conversations: ${chat} · specifications, prompts and code: ${generation}`;
  return (await window.showQuickPick(items, { title: 'Models', placeHolder, matchOnDetail: true }))?.name;
}

function modelItem(
  model: Model,
  provider: string,
  { chat, generation }: ProviderListResult,
): QuickPickItem & { reference: string } {
  const reference = `${provider}/${model.name}`;
  const used = [chat === reference && 'conversations', generation === reference && 'specifications, prompts and code'];
  return { reference, label: model.name, description: used.filter(Boolean).join(', '), detail: modelLine(model) };
}

import type { Provider, ProviderListResult, Session, TurnStartParams } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { fill, h, messageOf } from './dom';

const MODES: Record<Session['mode'], string> = {
  general: 'answers and acts',
  improvement: 'looks for what could be better',
  clarification: 'asks back before it answers, and changes nothing',
};

/** Which mode and model the next turn has. */
export class Choices {
  readonly mode = h(
    'select',
    { 'aria-label': 'Mode' },
    ...Object.entries(MODES).map(([name, title]) => h('option', { value: name, title }, capital(name))),
  );
  readonly model = h('select', { 'aria-label': 'Model' }, h('option', { value: '' }, 'Default model'));
  /** Whether the conversation has a model of its own, which only another name replaces. */
  private pinned = false;
  private standard: string | undefined;
  private loading: Promise<void> | undefined;

  constructor(private readonly bridge: Bridge) {}

  /** Asks once which models there are; again where that failed. */
  load(): Promise<void> {
    this.loading ??= this.list().catch((error: unknown) => {
      this.loading = undefined;
      this.model.title = messageOf(error);
    });
    return this.loading;
  }

  /** Forgets which models there are. */
  reset(): void {
    this.loading = undefined;
  }

  /** Shows what a conversation has had so far; the standard ones for a new one. */
  show(session: Session | undefined): void {
    this.pinned = session?.model !== undefined;
    this.mode.value = session?.mode ?? 'general';
    this.choose(session?.model);
  }

  /** What to start a turn with. */
  take(): Pick<TurnStartParams, 'mode' | 'model'> {
    const model = this.model.value || (this.pinned && this.standard);
    if (model) this.pinned = true;
    return { mode: this.mode.value as Session['mode'], ...(model && { model }) };
  }

  private async list(): Promise<void> {
    const found = await this.bridge.request('ckit/provider/list', {});
    const chosen = this.model.value;
    this.standard = found.chat;
    this.model.title = '';
    fill(this.model, h('option', { value: '' }, `${found.chat} (default)`));
    this.choose(chosen || undefined);
    // A provider that takes its time keeps nobody from choosing another one's models.
    await Promise.all(found.providers.map(async (each) => this.insert(await this.group(each, found))));
  }

  private insert(group: HTMLElement | undefined): void {
    if (group === undefined) return;
    const chosen = this.model.value;
    const listed = [...group.querySelectorAll('option')].map(({ value }) => value);
    for (const option of [...this.model.children]) {
      if (option instanceof HTMLOptionElement && option.value !== '' && listed.includes(option.value)) option.remove();
    }
    this.model.append(group);
    this.model.value = chosen;
  }

  private async group(provider: Provider, { chat }: ProviderListResult): Promise<HTMLElement | undefined> {
    const { name, status, reason } = provider;
    const none = (why: string): HTMLElement =>
      h('optgroup', { label: name }, h('option', { disabled: true, title: why }, `Not ready: ${why}`));
    if (status !== 'ready') return none(reason ?? status);
    try {
      const { models } = await this.bridge.request('ckit/provider/models', { provider: name });
      const others = models.map((each) => `${name}/${each.name}`).filter((each) => each !== chat);
      if (others.length === 0) return undefined;
      return h('optgroup', { label: name }, ...others.map((each) => h('option', { value: each }, each)));
    } catch (error) {
      return none(messageOf(error));
    }
  }

  private choose(model: string | undefined): void {
    const wanted = model === undefined || model === this.standard ? '' : model;
    if (![...this.model.options].some(({ value }) => value === wanted)) {
      // The conversation has had it, whether its provider lists it or not.
      this.model.append(h('option', { value: wanted }, wanted));
    }
    this.model.value = wanted;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

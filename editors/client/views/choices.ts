import type { Provider, Session, TurnStartParams } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { fill, h, messageOf } from './dom';

const MODES: Record<Session['mode'], string> = {
  general: 'answers and acts',
  improvement: 'looks for what could be better',
  clarification: 'asks back before it answers, and changes nothing',
};

/** Before the name of a provider whose models are listed when the person chooses so. */
const ASK = '?';

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

  /** What was chosen last that is a model. */
  private chosen = '';
  private lists = 0;

  constructor(private readonly bridge: Bridge) {
    this.model.addEventListener('change', () => {
      const { value } = this.model;
      if (value.startsWith(ASK)) void this.ask(value.slice(ASK.length));
      else this.chosen = value;
    });
  }

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
    const mine = ++this.lists;
    const chosen = this.model.value;
    this.standard = found.chat;
    this.model.title = '';
    fill(this.model, h('option', { value: '' }, `${found.chat} (default)`));
    this.choose(chosen || undefined);
    // A provider that takes its time keeps nobody from choosing another one's models.
    await Promise.all(
      found.providers.map(async (each) => {
        const options = await this.optionsOf(each);
        if (mine === this.lists && options.length > 0) this.insert(h('optgroup', { label: each.name }, ...options));
      }),
    );
  }

  private async optionsOf({ name, status, reason, keySource }: Provider): Promise<HTMLElement[]> {
    if (status !== 'ready') return [notReady(reason ?? status)];
    // Its key is asked of the person, who need not be asked before they want it.
    if (keySource === 'client') return [h('option', { value: `${ASK}${name}` }, `Ask ${name} for its models…`)];
    return this.modelsOf(name);
  }

  private async modelsOf(provider: string): Promise<HTMLElement[]> {
    try {
      const { models } = await this.bridge.request('ckit/provider/models', { provider });
      const names = models.map(({ name }) => `${provider}/${name}`).filter((each) => each !== this.standard);
      return names.map((each) => h('option', { value: each }, each));
    } catch (error) {
      return [notReady(messageOf(error))];
    }
  }

  /** Lists the models of a provider once the person wants them. */
  private async ask(provider: string): Promise<void> {
    this.model.value = this.chosen;
    const options = await this.modelsOf(provider);
    this.model.querySelector(`optgroup[label="${CSS.escape(provider)}"]`)?.remove();
    this.insert(h('optgroup', { label: provider }, ...options));
  }

  private insert(group: HTMLElement): void {
    const chosen = this.model.value;
    const listed = [...group.querySelectorAll('option')].map(({ value }) => value);
    for (const option of [...this.model.children]) {
      if (option instanceof HTMLOptionElement && option.value !== '' && listed.includes(option.value)) option.remove();
    }
    this.model.append(group);
    this.model.value = chosen;
  }

  private choose(model: string | undefined): void {
    const wanted = model === undefined || model === this.standard ? '' : model;
    if (![...this.model.options].some(({ value }) => value === wanted)) {
      // The conversation has had it, whether its provider lists it or not.
      this.model.append(h('option', { value: wanted }, wanted));
    }
    this.model.value = wanted;
    this.chosen = wanted;
  }
}

function notReady(why: string): HTMLElement {
  return h('option', { disabled: true, title: why }, `Not ready: ${why}`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

import type { Attachment, EntitySummary } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { fill, h, messageOf } from './dom';
import { allEntities } from './pages';

const MOST_SHOWN = 50;

interface Offer {
  attachment: Attachment;
  name: string;
  detail: string;
}

/** What goes with the next message: chosen from a list, shown as chips that can be taken off. */
export class Attachments {
  readonly chips = h('div', { class: 'chips', 'aria-label': 'Attached' });
  readonly popup = h('div', { class: 'popup attach', hidden: true });
  readonly button = h(
    'button',
    { type: 'button', class: 'quiet', 'aria-haspopup': 'listbox', onclick: () => void this.toggle() },
    'Attach',
  );
  private readonly input = h('input', {
    type: 'search',
    role: 'combobox',
    placeholder: 'Id or title',
    'aria-label': 'What to attach',
    'aria-controls': 'attachable',
    'aria-expanded': 'true',
    'aria-autocomplete': 'list',
  });
  private readonly list = h('ul', { class: 'options', role: 'listbox', id: 'attachable', 'aria-label': 'Entities' });
  private readonly chosen: Attachment[] = [];
  private offers: Offer[] = [];
  private shown: Offer[] = [];
  private active = 0;

  constructor(
    private readonly bridge: Bridge,
    private readonly repository: () => string | undefined,
  ) {
    this.popup.append(this.input, this.list);
    this.input.addEventListener('input', () => this.filter());
    this.input.addEventListener('keydown', (event) => this.onKey(event));
    this.popup.addEventListener('focusout', (event) => {
      const next = event.relatedTarget as Node | null;
      if (!this.popup.contains(next) && next !== this.button) this.popup.hidden = true;
    });
  }

  /** Takes what is attached away with a message. */
  take(): Attachment[] {
    const taken = this.chosen.splice(0);
    this.draw();
    return taken;
  }

  /** Attaches something, once. */
  add(...attachments: Attachment[]): void {
    for (const each of attachments) {
      if (!this.chosen.some((other) => labelOf(other) === labelOf(each))) this.chosen.push(each);
    }
    this.draw();
  }

  private draw(): void {
    fill(
      this.chips,
      ...this.chosen.map((each) =>
        chip(each, () => {
          this.chosen.splice(this.chosen.indexOf(each), 1);
          this.draw();
        }),
      ),
    );
  }

  private async toggle(): Promise<void> {
    this.popup.hidden = !this.popup.hidden;
    if (this.popup.hidden) return;
    this.input.value = '';
    this.input.focus();
    const repository = this.repository();
    try {
      const [open, entities] = await Promise.all([
        this.bridge.inEditor?.() ?? [],
        allEntities(this.bridge, repository),
      ]);
      this.offers = [...open.map(offerOf), ...entities.map(offerOfEntity)];
      this.filter();
    } catch (error) {
      fill(this.list, h('li', { class: 'problem' }, messageOf(error)));
    }
  }

  private filter(): void {
    const wanted = this.input.value.trim().toLowerCase();
    this.shown = this.offers
      .filter(({ name, detail }) => `${name} ${detail}`.toLowerCase().includes(wanted))
      .slice(0, MOST_SHOWN);
    this.mark(0);
  }

  private mark(active: number): void {
    this.active = active;
    fill(
      this.list,
      ...this.shown.map((offer, number) =>
        h(
          'li',
          {
            role: 'option',
            id: `attachable-${number}`,
            'aria-selected': String(number === active),
            // The input keeps the focus, and with it the list.
            onmousedown: (event: Event) => event.preventDefault(),
            onclick: () => this.choose(offer),
          },
          h('code', {}, offer.name),
          h('span', { class: 'title' }, offer.detail),
        ),
      ),
      this.shown.length === 0 && h('li', { class: 'muted' }, 'Nothing has this name.'),
    );
    this.input.setAttribute('aria-activedescendant', this.shown.length > 0 ? `attachable-${active}` : '');
    this.list.children[active]?.scrollIntoView({ block: 'nearest' });
  }

  private onKey(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const offer = this.shown[this.active];
    if (step !== undefined) this.mark(Math.min(Math.max(this.active + step, 0), this.shown.length - 1));
    else if (event.key === 'Enter' && offer) this.choose(offer);
    else if (event.key === 'Escape') this.close();
    else if (event.key !== 'Enter') return;
    event.preventDefault();
    event.stopPropagation();
  }

  private choose(offer: Offer): void {
    this.add(offer.attachment);
    this.close();
  }

  private close(): void {
    this.popup.hidden = true;
    this.button.focus();
  }
}

/** A small sign of something attached. */
export function chip(attachment: Attachment, onRemove?: () => void): HTMLElement {
  const label = labelOf(attachment);
  // In a narrow window a path shows its end, which tells more.
  const short = attachment.kind === 'entity' ? label : label.slice(label.lastIndexOf('/') + 1);
  const remove =
    onRemove && h('button', { type: 'button', class: 'link', 'aria-label': `Take ${label} off`, onclick: onRemove }, '✕');
  return h('span', { class: 'chip', title: label }, h('span', {}, short), remove);
}

function labelOf(attachment: Attachment): string {
  switch (attachment.kind) {
    case 'entity':
      return attachment.id;
    case 'file':
      return attachment.path;
    case 'selection':
      return `${attachment.path}:${attachment.startLine + 1}-${attachment.endLine + 1}`;
  }
}

function offerOf(attachment: Attachment): Offer {
  const detail = attachment.kind === 'selection' ? 'Selected lines' : 'Open file';
  return { attachment, name: labelOf(attachment), detail };
}

function offerOfEntity({ id, title }: EntitySummary): Offer {
  return { attachment: { kind: 'entity', id }, name: id, detail: title ?? '' };
}

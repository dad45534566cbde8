import type { Attachment, Session } from '@ckit/protocol';
import { Attachments } from './attachments';
import type { Bridge } from './bridge';
import { Choices } from './choices';
import { fill, h } from './dom';

/** What a person has written, with what goes with it. */
export interface Draft {
  text: string;
  attachments: Attachment[];
}

/** Where a person writes: the message, what is attached, the mode and the model. */
export class Composer {
  readonly element: HTMLElement;
  readonly choices: Choices;
  private readonly attachments: Attachments;
  private readonly input = h('textarea', { rows: '2', placeholder: 'Ask, or say what to change', 'aria-label': 'Message' });
  private readonly send = h('button', { type: 'submit', class: 'primary' }, 'Send');
  private running = false;

  constructor(
    bridge: Bridge,
    session: () => Session | undefined,
    private readonly onSend: (draft: Draft) => void,
    private readonly onStop: () => void,
  ) {
    this.choices = new Choices(bridge);
    this.attachments = new Attachments(bridge, () => session()?.repository);
    this.element = h(
      'form',
      { class: 'composer', onsubmit: (event: Event) => this.submit(event), onfocusin: () => void this.choices.load() },
      this.attachments.popup,
      this.attachments.chips,
      h('div', { class: 'writing' }, this.input, this.send),
      h('div', { class: 'tools' }, this.attachments.button, this.choices.mode, this.choices.model),
    );
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.submit(event);
      if (event.key === 'Escape') this.onStop();
    });
    this.input.addEventListener('input', () => this.fit());
  }

  focus(): void {
    this.input.focus();
  }

  /** Gives a message back that could not be sent; what was written since stays. */
  restore({ text, attachments }: Draft): void {
    this.attachments.add(...attachments);
    if (this.input.value === '') this.input.value = text;
    this.fit();
  }

  setRunning(running: boolean): void {
    this.running = running;
    this.label();
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === '') return this.onStop();
    this.input.value = '';
    // What is said while a turn runs can carry nothing; it goes with the next message.
    this.onSend({ text, attachments: this.running ? [] : this.attachments.take() });
    this.fit();
  }

  /** Has the field grow with what is written, up to a bound that the style sets. */
  private fit(): void {
    this.input.style.height = 'auto';
    this.input.style.height = `${this.input.scrollHeight}px`;
    this.label();
  }

  private label(): void {
    fill(this.send, this.running && this.input.value.trim() === '' ? 'Stop' : 'Send');
  }
}

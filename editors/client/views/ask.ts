import type { Citation, RagQueryResult } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { fill, h, messageOf } from './dom';
import { renderMarkdown } from './markdown';

/** Questions with cited answers; a citation opens its place. */
export class AskView {
  readonly element: HTMLElement;
  private readonly input = h('input', { type: 'search', placeholder: 'Ask the repository', 'aria-label': 'Question' });
  private readonly answer = h('div', { class: 'answer', 'aria-live': 'polite' });
  private readonly sources = h('ol', { class: 'sources' });
  private readonly stop = h('button', { type: 'button', hidden: true, onclick: () => this.cancel?.() }, 'Stop');
  private cancel: (() => void) | undefined;
  /** How often something was asked: what belongs to an older question is not shown. */
  private asked = 0;

  constructor(private readonly bridge: Bridge) {
    this.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.cancel === undefined) return;
      event.preventDefault();
      this.cancel();
    });
    const form = h(
      'form',
      {
        class: 'composer',
        onsubmit: (event: Event) => {
          event.preventDefault();
          void this.ask(this.input.value);
        },
      },
      this.input,
      h('button', { type: 'submit' }, 'Ask'),
      this.stop,
    );
    this.element = h('section', { class: 'ask' }, form, this.answer, this.sources);
  }

  /** Asks; a question that is still being answered is given up. */
  async ask(question: string): Promise<void> {
    if (question.trim() === '') return;
    const mine = ++this.asked;
    this.cancel?.();
    this.input.value = question;
    fill(this.sources);
    fill(this.answer, h('span', { class: 'muted' }, 'Looking…'));
    let text = '';
    const { result, cancel } = this.bridge.stream('ckit/rag/query', { question }, (part) => {
      text += part;
      if (mine === this.asked) renderMarkdown(this.answer, text);
    });
    this.await(cancel);
    try {
      const found = await result;
      if (mine === this.asked) this.show(found);
    } catch (error) {
      if (mine === this.asked) this.fail(error);
    } finally {
      if (mine === this.asked) this.await(undefined);
    }
  }

  private await(cancel: (() => void) | undefined): void {
    this.cancel = cancel;
    this.stop.hidden = cancel === undefined;
  }

  private fail(error: unknown): void {
    const cancelled = (error as { code?: unknown }).code === 'cancelled';
    fill(this.answer, h('span', { class: cancelled ? 'muted' : 'problem' }, cancelled ? 'Stopped.' : messageOf(error)));
  }

  private show(found: RagQueryResult): void {
    const places = new Map(found.citations.map((citation) => [citation.number, citation]));
    renderMarkdown(this.answer, found.text, (number) => this.open(places.get(number)));
    if (found.degraded) this.answer.append(h('p', { class: 'muted' }, found.degraded));
    fill(
      this.sources,
      ...found.citations.map((citation) =>
        h(
          'li',
          { value: String(citation.number) },
          h('button', { class: 'link', onclick: () => this.open(citation) }, citation.title),
          h('span', { class: 'muted' }, ` ${citation.location.path}:${citation.location.range.start.line + 1}`),
          h('blockquote', {}, citation.excerpt),
        ),
      ),
    );
  }

  private open(citation: Citation | undefined): void {
    if (citation) this.bridge.open(citation.location.path, citation.location.range);
  }
}

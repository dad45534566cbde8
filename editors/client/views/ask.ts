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
  private cancel: (() => void) | undefined;

  constructor(private readonly bridge: Bridge) {
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
    );
    this.element = h('section', { class: 'ask' }, form, this.answer, this.sources);
  }

  /** Asks; a question that is still being answered is given up. */
  async ask(question: string): Promise<void> {
    this.cancel?.();
    this.input.value = question;
    fill(this.sources);
    fill(this.answer, h('span', { class: 'muted' }, 'Looking…'));
    let text = '';
    const { result, cancel } = this.bridge.stream('ckit/rag/query', { question }, (part) => {
      text += part;
      renderMarkdown(this.answer, text);
    });
    this.cancel = cancel;
    try {
      this.show(await result);
    } catch (error) {
      fill(this.answer, h('span', { class: 'problem' }, messageOf(error)));
    }
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

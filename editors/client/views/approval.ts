import type { Approval, ApprovalRequestResult } from '@ckit/protocol';
import { renderDiff } from './diff';
import { fill, h, messageOf } from './dom';
import { outcome } from './log';

const WANTS = { read: 'wants to read', write: 'wants to change files', exec: 'wants to run a program' };
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

let numbers = 0;

/** A question to the person: what would happen exactly, and the ways to answer. */
export class ApprovalCard {
  readonly element: HTMLElement;
  private readonly answers = h('div', { class: 'answers' });
  private readonly problem = h('div', { class: 'problem', role: 'alert', id: `approval-problem-${++numbers}` });
  /** While the person's own answer is on its way, nobody else's end of the question counts. */
  private answering = false;
  private over = false;

  constructor(
    readonly approval: Approval,
    /** Takes the answer to the daemon, which may refuse it. */
    private readonly resolve: (answer: ApprovalRequestResult) => Promise<Approval>,
  ) {
    const until = new Date(approval.expiresAt);
    this.element = h(
      'div',
      { class: 'approval', role: 'alertdialog', 'aria-label': approval.title, tabindex: '-1' },
      h('strong', {}, approval.title),
      h(
        'span',
        { class: 'muted' },
        `${WANTS[approval.class]}; waits until `,
        h('time', { datetime: approval.expiresAt, title: until.toLocaleString() }, clock.format(until)),
      ),
      approval.command ? h('pre', { class: 'command' }, `$ ${approval.command.join(' ')}`) : null,
      approval.diff ? renderDiff(approval.diff) : null,
      this.answers,
      this.problem,
    );
    this.offer();
  }

  get isOver(): boolean {
    return this.over;
  }

  /** The question itself, and no button: whoever is typing must not allow anything by the next key. */
  focus(): void {
    this.element.focus();
  }

  /** Nobody waits for an answer any more; with the decision, where somebody has taken one. */
  end(decision?: Approval['decision']): void {
    if (this.answering && decision === undefined) return;
    const state = decision === undefined ? 'cancelled' : decision === 'deny' ? 'denied' : 'allowed';
    this.settle({ state, decision });
  }

  private settle({ state, decision }: { state: Approval['state']; decision?: Approval['decision'] | undefined }): void {
    if (this.over) return;
    this.over = true;
    this.element.className = 'approval answered';
    fill(this.element, outcome({ state, title: this.approval.title, ...(decision && { decision }) }));
  }

  private async answer(answer: ApprovalRequestResult): Promise<void> {
    if (this.answering || this.over) return;
    this.answering = true;
    fill(this.problem);
    try {
      this.settle(await this.resolve(answer));
    } catch (error) {
      this.complain(messageOf(error));
    } finally {
      this.answering = false;
    }
  }

  private offer(): void {
    const { sessionId } = this.approval;
    const decide = (decision: ApprovalRequestResult['decision'], label: string): HTMLElement =>
      h('button', { type: 'button', class: decision, onclick: () => void this.answer({ decision }) }, label);
    const more = (label: string, show: () => void): HTMLElement =>
      h('button', { type: 'button', class: 'link', onclick: show }, label);
    fill(this.problem);
    fill(
      this.answers,
      h(
        'div',
        { class: 'choices' },
        decide('allowOnce', 'Allow once'),
        sessionId !== undefined && decide('allowForSession', 'Allow for this session'),
        decide('deny', 'Deny'),
      ),
      h(
        'div',
        { class: 'choices' },
        // Only a tool's run has arguments that can be others.
        sessionId !== undefined && more('Edit…', () => this.edit()),
        more('Deny with a reason…', () => this.refuse()),
      ),
    );
  }

  private refuse(): void {
    const input = h('textarea', { rows: '2', 'aria-label': 'Reason', placeholder: 'Why; the assistant is told', maxlength: '4000' });
    this.write(input, 'deny', 'Deny', () => {
      const note = input.value.trim();
      void this.answer({ decision: 'deny', ...(note !== '' && { note }) });
    });
  }

  private edit(): void {
    const text = JSON.stringify(this.approval.arguments ?? {}, undefined, 2);
    const input = h('textarea', {
      class: 'arguments',
      rows: String(Math.min(8, text.split('\n').length + 1)),
      spellcheck: 'false',
      'aria-label': 'Arguments, as JSON',
      'aria-describedby': this.problem.id,
    });
    input.value = text;
    this.write(input, 'allowOnce', 'Allow once as edited', () => {
      const read = objectOf(input.value);
      input.setAttribute('aria-invalid', String(read.problem !== undefined));
      if (read.problem === undefined) void this.answer({ decision: 'allowOnce', arguments: read.value });
      else this.complain(read.problem);
    });
  }

  private write(input: HTMLTextAreaElement, kind: string, label: string, done: () => void): void {
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.offer();
    });
    fill(this.problem);
    fill(
      this.answers,
      input,
      h(
        'div',
        { class: 'choices' },
        h('button', { type: 'button', class: kind, onclick: done }, label),
        h('button', { type: 'button', onclick: () => this.offer() }, 'Back'),
      ),
    );
    input.focus();
    this.answers.scrollIntoView({ block: 'nearest' });
  }

  private complain(text: string): void {
    fill(this.problem, text);
    this.problem.scrollIntoView({ block: 'nearest' });
  }
}

type Arguments = NonNullable<ApprovalRequestResult['arguments']>;

function objectOf(text: string): { value: Arguments; problem?: undefined } | { problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value: value as Arguments };
    return { problem: 'This is no JSON object.' };
  } catch (error) {
    return { problem: `This is no JSON: ${messageOf(error)}` };
  }
}

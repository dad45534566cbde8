import type { ApprovalItem, Item, ToolCall, Turn } from '@ckit/protocol';
import { chip } from './attachments';
import { fill, h, messageOf } from './dom';
import { renderMarkdown } from './markdown';
import { usageText } from './usage';

interface Shown {
  element: HTMLElement;
  text: string;
  /** Of a tool's run that has not ended. */
  running?: ToolCall | undefined;
}

/** What was said and done in a conversation, in the order in which it began. */
export class Log {
  readonly element = h('div', { class: 'log', role: 'log', tabindex: '0', 'aria-label': 'Conversation', 'aria-live': 'polite' });
  private readonly items = new Map<string, Shown>();
  private atEnd = true;

  constructor() {
    const { element } = this;
    element.addEventListener('scroll', () => {
      this.atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    });
    // In a narrower window the same text is longer.
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(element);
  }

  /** Shows an item, or how it stands now. */
  show(item: Item): void {
    switch (item.kind) {
      case 'userMessage':
        this.put(item.id, 'message person', (element) => {
          const attached = (item.attachments ?? []).map((each) => chip(each));
          fill(element, item.text, attached.length > 0 && h('div', { class: 'chips' }, ...attached));
        });
        break;
      case 'message':
      case 'reasoning':
        // The completed item counts, whatever was streamed.
        this.put(item.id, item.kind === 'message' ? 'message' : 'message reasoning', (element, shown) => {
          shown.text = item.text ?? shown.text;
          renderMarkdown(element, shown.text);
        });
        break;
      case 'toolCall':
        this.put(item.id, `tool ${stateOf(item)}`, (element, shown) => {
          shown.running = stateOf(item) === 'running' ? item : undefined;
          fill(element, ...toolRun(item));
        });
        break;
      case 'approval':
        if (item.state !== 'pending') {
          this.put(item.approvalId, 'approval answered', (element) => fill(element, outcome(item)));
        }
        break;
      case 'compaction':
        this.put(item.id, 'tool summary', (element) => {
          const text = h('div', { class: 'message reasoning' });
          renderMarkdown(text, item.text);
          fill(element, h('details', {}, h('summary', {}, 'What was said so far, in short'), text));
        });
        break;
      case 'error':
        this.put(item.id, 'problem', (element) => fill(element, item.failure.message));
        break;
      default:
    }
  }

  /** Adds to a message that is being written. */
  append(itemId: string, text: string): void {
    const shown = this.items.get(itemId);
    if (shown === undefined) return;
    shown.text += text;
    this.following(() => renderMarkdown(shown.element, shown.text));
  }

  /** Tells how a turn has ended, and what it took. */
  end(turn: Turn): void {
    const how = turn.status === 'interrupted' ? turn.status : turn.stopReason === 'endTurn' ? '' : turn.stopReason;
    const parts = [turn.model, usageText(turn.usage), how].filter(Boolean);
    // A turn that was resumed ends once more.
    this.forget(turn.id);
    this.put(turn.id, 'muted end', (element) => fill(element, parts.join(' · ')));
  }

  /** Tells what went wrong. */
  fail(error: unknown): void {
    this.following(() => this.element.append(h('div', { class: 'problem', role: 'alert' }, messageOf(error))));
  }

  /** Shows an element at the end, in place of one of the same name. */
  add(id: string, element: HTMLElement): void {
    this.forget(id);
    this.items.set(id, { element, text: '' });
    this.following(() => this.element.append(element));
  }

  /** Nothing may look as if it went on, where the daemon is gone or the turn was cancelled. */
  interrupt(): void {
    for (const { running: item } of this.items.values()) if (item) this.show({ ...item, status: 'interrupted' });
  }

  toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.atEnd = true;
  }

  clear(): void {
    this.items.clear();
    fill(this.element);
  }

  private forget(id: string): void {
    this.items.get(id)?.element.remove();
    this.items.delete(id);
  }

  private put(id: string, className: string, draw: (element: HTMLElement, shown: Shown) => void): void {
    let shown = this.items.get(id);
    if (shown === undefined) {
      shown = { element: h('div'), text: '' };
      this.items.set(id, shown);
      this.element.append(shown.element);
    }
    shown.element.className = className;
    const known = shown;
    this.following(() => draw(known.element, known));
  }

  /** Draws, and keeps the end in view where it was. */
  private following(draw: () => void): void {
    const { atEnd } = this;
    draw();
    if (atEnd) this.toEnd();
  }
}

const OUTCOMES = {
  allowed: 'Allowed',
  denied: 'Denied',
  expired: 'Not answered in time',
  cancelled: 'Not asked any more',
  pending: 'Asked',
};

/** What came of a question, in one line. */
export function outcome({ state, decision, title }: Pick<ApprovalItem, 'state' | 'decision' | 'title'>): HTMLElement {
  const words = decision === 'allowForSession' ? 'Allowed for this session' : OUTCOMES[state];
  return h('span', { class: 'muted' }, `${words}: ${title}`);
}

function stateOf(item: ToolCall): string {
  return item.result ?? (item.status === 'inProgress' ? 'running' : 'cancelled');
}

function toolRun(item: ToolCall): Node[] {
  const state = stateOf(item);
  const sign = state === 'running' ? '…' : state === 'ok' ? '✔' : '✘';
  const values = Object.entries(item.arguments ?? {}).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const line = h('summary', {}, `${sign} ${item.name} `, h('span', { class: 'muted' }, values.join(' ')));
  return [h('details', {}, line, h('pre', {}, unfenced(item.text ?? '')))];
}

/** What a tool has said, without the fence that keeps it apart from instructions where a model reads it. */
function unfenced(text: string): string {
  return text.replace(/^<(data-\w+)[^>]*>\n([\s\S]*)\n<\/\1>\s*$/, '$2');
}

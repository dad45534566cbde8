import type { Approval, ApprovalRequestResult, Item, ToolCall, Turn, TurnEvent } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { renderDiff } from './diff';
import { fill, h } from './dom';
import { renderMarkdown } from './markdown';

interface Shown {
  element: HTMLElement;
  text: string;
}

/** A conversation: messages stream in, tool runs and approvals are seen, a turn can be stopped. */
export class ChatView {
  readonly element: HTMLElement;
  private readonly log = h('div', { class: 'log', role: 'log', 'aria-live': 'polite' });
  private readonly input = h('textarea', { rows: '2', placeholder: 'Ask, or say what to change', 'aria-label': 'Message' });
  private readonly send = h('button', { type: 'submit' }, 'Send');
  private readonly items = new Map<string, Shown>();
  private session: string | undefined;
  private running = false;

  constructor(private readonly bridge: Bridge) {
    const form = h('form', { class: 'composer', onsubmit: (event: Event) => this.submit(event) }, this.input, this.send);
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey) this.submit(event);
      if (event.key === 'Escape') void this.stop();
    });
    this.element = h('section', { class: 'chat' }, this.log, form);
    bridge.onTurnEvent((event) => this.onEvent(event));
    bridge.onApproval((approval) => this.ask(approval));
  }

  /** Says something, in a new session where there is none. */
  async say(text: string): Promise<void> {
    if (this.running) {
      await this.attempt(this.bridge.request('ckit/turn/steer', { sessionId: this.session ?? '', text }));
      return;
    }
    this.setRunning(true);
    try {
      if (this.session === undefined) {
        const { session } = await this.bridge.request('ckit/session/create', {});
        this.session = session.id;
      }
      const { turn } = await this.bridge.request('ckit/turn/start', { sessionId: this.session, text });
      this.end(turn);
    } catch (error) {
      this.fail(error);
    } finally {
      this.setRunning(false);
    }
  }

  /** Ends the turn that runs; what it said stays. */
  async stop(): Promise<void> {
    if (this.running && this.session !== undefined) {
      await this.attempt(this.bridge.request('ckit/turn/cancel', { sessionId: this.session }));
    }
  }

  /** Begins a new conversation. */
  clear(): void {
    this.session = undefined;
    this.items.clear();
    fill(this.log);
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === '') {
      if (this.running) void this.stop();
      return;
    }
    this.input.value = '';
    void this.say(text);
  }

  private onEvent(event: TurnEvent): void {
    if (event.sessionId !== this.session) return;
    if (event.type === 'itemStarted' || event.type === 'itemCompleted') this.show(event.item);
    else if (event.type === 'itemDelta') {
      const shown = this.items.get(event.itemId);
      if (shown === undefined) return;
      shown.text += event.text;
      this.following(() => renderMarkdown(shown.element, shown.text));
    }
  }

  private show(item: Item): void {
    switch (item.kind) {
      case 'userMessage':
        this.put(item.id, 'message person', (element) => fill(element, item.text));
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
        this.put(item.id, `tool ${item.result ?? 'running'}`, (element) => fill(element, ...toolRun(item)));
        break;
      case 'error':
        this.put(item.id, 'problem', (element) => fill(element, item.failure.message));
        break;
      default:
    }
  }

  private put(id: string, className: string, draw: (element: HTMLElement, shown: Shown) => void): void {
    let shown = this.items.get(id);
    if (shown === undefined) {
      shown = { element: h('div'), text: '' };
      this.items.set(id, shown);
      this.log.append(shown.element);
    }
    shown.element.className = className;
    const known = shown;
    this.following(() => draw(known.element, known));
  }

  /** Shows what would happen, and waits for the person. */
  private ask(approval: Approval): Promise<ApprovalRequestResult> {
    return new Promise((resolve) => {
      const decide = (decision: ApprovalRequestResult['decision'], label: string): HTMLElement =>
        h('button', { type: 'button', class: decision, onclick: () => answer(decision) }, label);
      const card = h(
        'div',
        { class: 'approval', role: 'alertdialog', 'aria-label': approval.title },
        h('strong', {}, approval.title),
        h('span', { class: 'muted' }, approval.class === 'exec' ? 'wants to run a program' : 'wants to change files'),
        approval.command ? h('pre', { class: 'command' }, `$ ${approval.command.join(' ')}`) : null,
        approval.diff ? renderDiff(approval.diff) : null,
        h(
          'div',
          { class: 'choices' },
          decide('allowOnce', 'Allow once'),
          approval.sessionId ? decide('allowForSession', 'Allow for this session') : null,
          decide('deny', 'Deny'),
        ),
      );
      const answer = (decision: ApprovalRequestResult['decision']): void => {
        fill(card, h('span', { class: 'muted' }, `${decision === 'deny' ? 'Denied' : 'Allowed'}: ${approval.title}`));
        card.className = 'approval answered';
        resolve({ decision });
      };
      this.following(() => this.log.append(card));
      card.querySelector('button')?.focus();
    });
  }

  private end(turn: Turn): void {
    const tokens = (turn.usage.inputTokens ?? 0) + (turn.usage.outputTokens ?? 0);
    const why = turn.stopReason === 'endTurn' || turn.stopReason === undefined ? '' : ` · ${turn.stopReason}`;
    this.following(() => this.log.append(h('div', { class: 'muted end' }, `${turn.model} · ${tokens} tokens${why}`)));
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.following(() => this.log.append(h('div', { class: 'problem' }, text)));
  }

  private async attempt(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.fail(error);
    }
  }

  private setRunning(running: boolean): void {
    this.running = running;
    this.element.classList.toggle('running', running);
    this.send.textContent = running ? 'Stop' : 'Send';
  }

  /** Draws, and keeps the end in view where it was. */
  private following(draw: () => void): void {
    const { log } = this;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    draw();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
}

function toolRun(item: ToolCall): Node[] {
  const sign = item.result === undefined ? '…' : item.result === 'ok' ? '✔' : '✘';
  const values = Object.entries(item.arguments ?? {}).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const line = h('summary', {}, `${sign} ${item.name} `, h('span', { class: 'muted' }, values.join(' ')));
  return [h('details', {}, line, h('pre', {}, item.text ?? ''))];
}

import type { Approval, ApprovalRequestResult, Item, ToolCall, Turn, TurnEvent } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { renderDiff } from './diff';
import { fill, h } from './dom';
import { renderMarkdown } from './markdown';

interface Shown {
  element: HTMLElement;
  text: string;
  /** Of a tool's run that has not ended. */
  running?: ToolCall | undefined;
}

interface Asked {
  turnId: string | undefined;
  /** Without a decision where nobody waits for one any more. */
  answer: (decision?: ApprovalRequestResult['decision']) => void;
}

/** A conversation: messages stream in, tool runs and approvals are seen, a turn can be stopped. */
export class ChatView {
  readonly element: HTMLElement;
  private readonly log = h('div', { class: 'log', role: 'log', 'aria-live': 'polite' });
  private readonly input = h('textarea', { rows: '2', placeholder: 'Ask, or say what to change', 'aria-label': 'Message' });
  private readonly send = h('button', { type: 'submit' }, 'Send');
  private readonly items = new Map<string, Shown>();
  private readonly asked = new Map<string, Asked>();
  private session: string | undefined;
  private running = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly bridge: Bridge) {
    const form = h('form', { class: 'composer', onsubmit: (event: Event) => this.submit(event) }, this.input, this.send);
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey) this.submit(event);
      if (event.key === 'Escape') this.stop();
    });
    this.element = h('section', { class: 'chat' }, this.log, form);
    bridge.onTurnEvent((event) => this.onEvent(event));
    bridge.onApproval((approval) => this.ask(approval));
    bridge.onApprovalAnswered?.((id, decision) => this.asked.get(id)?.answer(decision));
  }

  /** Id of the conversation, once something was said. */
  get sessionId(): string | undefined {
    return this.session;
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
      const turn = this.bridge.stream('ckit/turn/start', { sessionId: this.session, text }, () => undefined);
      this.cancel = turn.cancel;
      await turn.result;
    } catch (error) {
      // What a cancelled turn has said is shown already, and its last event tells how it ended.
      if ((error as { code?: unknown }).code !== 'cancelled') this.fail(error);
    } finally {
      this.setRunning(false);
    }
  }

  /** Ends the turn that runs; what it said stays. */
  stop(): void {
    if (this.running) this.cancel();
  }

  /** Begins a new conversation. */
  clear(): void {
    this.stop();
    this.session = undefined;
    this.items.clear();
    fill(this.log);
  }

  /** Goes on with an earlier conversation. */
  async load(sessionId: string): Promise<void> {
    const { items, turns } = await this.bridge.request('ckit/session/get', { id: sessionId, limit: 10_000 });
    this.clear();
    this.session = sessionId;
    for (const turn of turns) {
      for (const item of items) if (item.turnId === turn.id) this.show(item);
      if (turn.status !== 'running') this.end(turn);
    }
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text === '') {
      this.stop();
      return;
    }
    this.input.value = '';
    void this.say(text);
  }

  private onEvent(event: TurnEvent): void {
    if (event.sessionId !== this.session) return;
    if (event.type === 'itemStarted' || event.type === 'itemCompleted') this.show(event.item);
    else if (event.type === 'turnCompleted') this.end(event.turn);
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
        this.put(item.id, `tool ${stateOf(item)}`, (element, shown) => {
          shown.running = stateOf(item) === 'running' ? item : undefined;
          fill(element, ...toolRun(item));
        });
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
        { class: 'approval', role: 'alertdialog', 'aria-label': approval.title, tabindex: '-1' },
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
      const answer = (decision?: ApprovalRequestResult['decision']): void => {
        this.asked.delete(approval.id);
        const outcome = decision === undefined ? 'Not asked any more' : decision === 'deny' ? 'Denied' : 'Allowed';
        fill(card, h('span', { class: 'muted' }, `${outcome}: ${approval.title}`));
        card.className = 'approval answered';
        resolve({ decision: decision ?? 'deny' });
      };
      this.asked.set(approval.id, { turnId: approval.turnId, answer });
      this.following(() => this.log.append(card));
      // The question itself, and no button: whoever is typing must not allow anything by the next key.
      if (document.hasFocus()) card.focus();
    });
  }

  private end(turn: Turn): void {
    // A turn that is over waits for nobody.
    for (const { turnId, answer } of [...this.asked.values()]) if (turnId === turn.id) answer();
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
    if (running) return;
    this.cancel = () => undefined;
    // Where the daemon is gone or the turn was cancelled, nothing may look as if it went on.
    for (const { running: item } of this.items.values()) if (item) this.show({ ...item, status: 'interrupted' });
  }

  /** Draws, and keeps the end in view where it was. */
  private following(draw: () => void): void {
    const { log } = this;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    draw();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
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

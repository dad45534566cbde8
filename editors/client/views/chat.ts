import type { Approval, Session, Turn, TurnEvent, TurnStartParams } from '@ckit/protocol';
import { ApprovalCard } from './approval';
import type { Bridge } from './bridge';
import { Composer } from './composer';
import type { Draft } from './composer';
import { Conversations } from './conversations';
import { fill, h } from './dom';
import { Log } from './log';

/** A conversation: messages stream in, tool runs and approvals are seen, a turn can be stopped. */
export class ChatView {
  readonly element: HTMLElement;
  private readonly log = new Log();
  private readonly notice = h('div', { class: 'notice', role: 'status' });
  private readonly conversations: Conversations;
  private readonly composer: Composer;
  private readonly asked = new Map<string, ApprovalCard>();
  private opened: Session | undefined;
  private running = false;
  /** Of the work that runs; what was begun before it has no say any more. */
  private work = 0;
  private cancel: () => void = () => undefined;
  /** Whether the daemon has what was said last. */
  private heard = false;

  constructor(private readonly bridge: Bridge) {
    this.conversations = new Conversations(bridge, this);
    this.composer = new Composer(
      bridge,
      () => this.opened,
      (draft) => void this.send(draft),
      () => this.stop(),
    );
    const talk = h('div', { class: 'talk' }, this.log.element, this.notice, this.composer.element);
    this.element = h('section', { class: 'chat' }, this.conversations.element, this.conversations.earlier, talk);
    bridge.onTurnEvent((event) => this.onEvent(event));
    bridge.onApproval((approval) => this.ask(approval));
    bridge.onApprovalOver((id, decision) => this.asked.get(id)?.end(decision));
    bridge.onRestart(() => void this.attempt(() => this.revive()));
  }

  /** The open conversation, once something was said. */
  get session(): Session | undefined {
    return this.opened;
  }

  /** Says something, in a new session where there is none. */
  say(text: string): Promise<void> {
    return this.send({ text, attachments: [] });
  }

  /** Ends the turn that runs; what it said stays. */
  stop(): void {
    if (this.running) this.cancel();
  }

  /** Leaves the conversation; the next message begins another one. */
  clear(): void {
    this.leave();
    this.show(undefined);
    this.composer.choices.show(undefined);
    this.remind();
  }

  /** Begins a new conversation. */
  begin(): void {
    this.conversations.toggle(false);
    this.clear();
    this.composer.focus();
  }

  /** Goes on with an earlier conversation. */
  async load(id: string): Promise<void> {
    const { session, items, turns } = await this.bridge.request('ckit/session/get', { id, limit: 10_000 });
    const { approvals } = await this.bridge.request('ckit/approval/list', { sessionId: id });
    this.leave();
    this.show(session);
    this.composer.choices.show(session);
    for (const turn of turns) {
      for (const item of items) if (item.turnId === turn.id) this.log.show(item);
      if (turn.status !== 'running') this.log.end(turn);
    }
    this.remind();
    this.log.toEnd();
    const last = turns[turns.length - 1];
    if (session.archived) this.offer('This conversation is archived.', 'Fetch back', () => this.fetchBack(id));
    else if (session.runningTurn !== undefined) fill(this.notice, 'A turn of it runs in another window.');
    else if (last?.status === 'interrupted') this.interrupted(last, approvals);
  }

  /** Shows which conversation is open, and what it is called. */
  show(session: Session | undefined): void {
    this.opened = session;
    this.conversations.show(session);
    // Hosts keep in mind which conversation is open.
    this.element.setAttribute('data-session', session?.id ?? '');
  }

  /** Shows the earlier conversations. */
  showEarlier(): void {
    this.conversations.toggle(true);
  }

  /** Has what was said so far summed up, for the model to go on with. */
  async compact(): Promise<void> {
    const id = this.opened?.id;
    if (id === undefined || this.running) return;
    await this.run(() => this.bridge.stream('ckit/session/compact', { id }, () => undefined));
  }

  private async send(draft: Draft): Promise<void> {
    const { text, attachments } = draft;
    this.conversations.toggle(false);
    if (this.running) {
      const sessionId = this.opened?.id ?? '';
      await this.attempt(() => this.bridge.request('ckit/turn/steer', { sessionId, text }), draft);
      return;
    }
    this.heard = false;
    await this.run(async () => {
      if (this.opened === undefined) this.show((await this.bridge.request('ckit/session/create', {})).session);
      return this.start({ text, attachments, ...this.composer.choices.take() });
    });
    if (!this.heard) this.composer.restore(draft);
  }

  private start(params: Omit<TurnStartParams, 'sessionId'>): ReturnType<Bridge['stream']> {
    const sessionId = this.opened?.id ?? '';
    return this.bridge.stream('ckit/turn/start', { sessionId, ...params }, () => undefined);
  }

  /** Does what runs for a while and can be stopped. */
  private async run(begin: () => ReturnType<Bridge['stream']> | Promise<ReturnType<Bridge['stream']>>): Promise<void> {
    const mine = ++this.work;
    let stopped = false;
    this.setRunning(true);
    fill(this.notice);
    this.cancel = () => {
      stopped = true;
    };
    try {
      const { result, cancel } = await begin();
      if (stopped || mine !== this.work) cancel();
      else this.cancel = cancel;
      await result;
    } catch (error) {
      // What a cancelled turn has said is shown already, and its last event tells how it ended.
      if (mine === this.work && (error as { code?: unknown }).code !== 'cancelled') this.log.fail(error);
    } finally {
      if (mine === this.work) this.setRunning(false);
    }
  }

  private leave(): void {
    this.stop();
    this.work += 1;
    this.setRunning(false);
    // What waits for an answer elsewhere goes on to wait.
    for (const [id, { approval, isOver }] of this.asked) {
      if (isOver || (this.opened && approval.sessionId === this.opened.id)) this.asked.delete(id);
    }
    this.log.clear();
    fill(this.notice);
  }

  /** Shows what is asked about other work: nobody else might. */
  private remind(): void {
    for (const [id, card] of this.asked) this.log.add(id, card.element);
  }

  private onEvent(event: TurnEvent): void {
    if (event.sessionId !== this.opened?.id) return;
    switch (event.type) {
      case 'turnStarted':
        this.heard = true;
        if (this.opened.title === '') void this.attempt(() => this.entitle(event.sessionId));
        break;
      case 'itemDelta':
        this.log.append(event.itemId, event.text);
        break;
      case 'turnCompleted':
        this.end(event.turn);
        break;
      default:
        this.log.show(event.item);
    }
  }

  /** Shows the title that a new conversation gets from what was said first. */
  private async entitle(id: string): Promise<void> {
    const { session } = await this.bridge.request('ckit/session/get', { id, limit: 1 });
    if (id === this.opened?.id) this.show(session);
  }

  /** Shows what would happen, and waits for the person. */
  private ask(approval: Approval, then?: () => Promise<void>): void {
    const card = new ApprovalCard(approval, async (answer) => {
      const decided = await this.bridge.request('ckit/approval/resolve', { id: approval.id, ...answer });
      this.asked.delete(approval.id);
      if (then) void this.attempt(then);
      return decided.approval;
    });
    this.asked.set(approval.id, card);
    // The list of conversations would lie above it.
    this.conversations.toggle(false);
    this.log.add(approval.id, card.element);
    if (document.hasFocus()) card.focus();
  }

  private end(turn: Turn): void {
    // A turn that is over waits for nobody.
    for (const card of this.asked.values()) if (card.approval.turnId === turn.id) card.end();
    this.log.end(turn);
  }

  /** Offers to go on with a turn that the end of a daemon has cut off, and asks again what it waits for. */
  private interrupted(turn: Turn, approvals: Approval[]): void {
    const resume = (): Promise<void> => this.run(() => this.start({ resume: turn.id }));
    this.offer('This turn was interrupted.', 'Resume', resume);
    for (const approval of approvals) {
      // One that nobody answered in time is asked again by the turn itself.
      if (approval.turnId === turn.id && Date.parse(approval.expiresAt) > Date.now()) this.ask(approval, resume);
    }
  }

  private offer(text: string, label: string, work: () => Promise<void>): void {
    const button = h('button', { type: 'button', class: 'primary', onclick: () => void this.attempt(work) }, label);
    fill(this.notice, h('span', {}, text), button);
  }

  private async fetchBack(id: string): Promise<void> {
    await this.bridge.request('ckit/session/archive', { id, archived: false });
    await this.load(id);
  }

  /** A new daemon has what the one before has written, and asks nothing yet. */
  private async revive(): Promise<void> {
    for (const card of this.asked.values()) card.end();
    this.composer.choices.reset();
    // What was said meanwhile has waited for it, and runs already.
    if (this.opened && !this.running) await this.load(this.opened.id);
  }

  private async attempt(work: () => Promise<unknown>, draft?: Draft): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.log.fail(error);
      if (draft) this.composer.restore(draft);
    }
  }

  private setRunning(running: boolean): void {
    this.running = running;
    this.element.classList.toggle('running', running);
    this.composer.setRunning(running);
    if (running) return;
    this.cancel = () => undefined;
    this.log.interrupt();
  }
}

import type { Session } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { askText, confirm } from './dialog';
import { fill, h, messageOf } from './dom';
import { menu } from './menu';
import type { Action } from './menu';

const PAGE = 50;
const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** What the list of conversations needs of the one that is open. */
export interface Opened {
  readonly session: Session | undefined;
  load(id: string): Promise<void>;
  show(session: Session): void;
  clear(): void;
  begin(): void;
  compact(): Promise<void>;
}

/** The head of the chat: which conversation it is, a new one, earlier ones, and what can be done with each. */
export class Conversations {
  readonly element: HTMLElement;
  readonly earlier: HTMLElement;
  private readonly title = h('h2', {}, 'New conversation');
  private readonly problem = h('div', { class: 'problem', role: 'alert' });
  private readonly search = h('input', { type: 'search', placeholder: 'Search by title', 'aria-label': 'Search by title' });
  private readonly archived = h('input', { type: 'checkbox' });
  private readonly list = h('ul', { class: 'conversations', 'aria-label': 'Conversations' });
  private readonly open: HTMLButtonElement;
  private readonly menu: HTMLElement;
  /** How often the list was asked for: an answer that a newer question has overtaken is not shown. */
  private asked = 0;

  constructor(
    private readonly bridge: Bridge,
    private readonly opened: Opened,
  ) {
    this.open = h(
      'button',
      { type: 'button', class: 'quiet', 'aria-expanded': 'false', onclick: () => this.toggle(this.earlier.hidden) },
      'Earlier',
    );
    this.menu = menu('What to do with this conversation', () => this.actionsOf(this.opened.session));
    const start = h('button', { type: 'button', class: 'quiet', onclick: () => this.opened.begin() }, 'New');
    this.element = h('div', { class: 'head' }, h('div', { class: 'bar' }, this.title, start, this.open, this.menu), this.problem);
    const filters = h('div', { class: 'filter' }, this.search, h('label', {}, this.archived, 'Archived'));
    this.earlier = h('div', { class: 'earlier', hidden: true }, filters, this.list);
    this.search.addEventListener('input', () => void this.refresh());
    this.archived.addEventListener('change', () => void this.refresh());
    this.earlier.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      this.toggle(false);
      this.open.focus();
    });
    this.show(undefined);
  }

  /** Shows which conversation is open. */
  show(session: Session | undefined): void {
    const title = session?.title || 'New conversation';
    fill(this.title, title);
    this.title.title = title;
    this.menu.hidden = session === undefined;
  }

  /** Shows or hides the earlier conversations. */
  toggle(shown: boolean): void {
    this.earlier.hidden = !shown;
    this.open.setAttribute('aria-expanded', String(shown));
    fill(this.problem);
    if (!shown) return;
    this.search.value = '';
    this.archived.checked = false;
    this.search.focus();
    void this.refresh();
  }

  private async refresh(): Promise<void> {
    const mine = ++this.asked;
    await this.attempt(async () => {
      const rows = await this.rows(0);
      if (mine === this.asked) fill(this.list, ...(rows.length > 0 ? rows : [h('li', { class: 'muted' }, 'None.')]));
    });
  }

  private async rows(offset: number): Promise<HTMLElement[]> {
    const { sessions, nextOffset } = await this.bridge.request('ckit/session/list', {
      query: this.search.value.trim() || null,
      archived: this.archived.checked,
      limit: PAGE,
      offset,
    });
    const rows = sessions.map((each) => this.row(each));
    if (nextOffset === undefined) return rows;
    const more = h('li', {});
    const fetch = (): Promise<void> => this.attempt(async () => more.replaceWith(...(await this.rows(nextOffset))));
    more.append(h('button', { type: 'button', class: 'quiet', onclick: () => void fetch() }, 'More'));
    return [...rows, more];
  }

  private row(session: Session): HTMLElement {
    const turns = session.turns === 1 ? '1 turn' : `${session.turns} turns`;
    const current = session.id === this.opened.session?.id;
    return h(
      'li',
      {},
      h(
        'button',
        {
          type: 'button',
          class: 'row',
          title: session.title,
          'aria-current': String(current),
          onclick: () => void this.go(session.id),
        },
        h('span', { class: 'title' }, session.title || 'Without a title'),
        h('span', { class: 'muted' }, `${when.format(new Date(session.updatedAt))} · ${turns}`),
      ),
      menu(`What to do with “${session.title}”`, () => this.actionsOf(session)),
    );
  }

  private go(id: string): Promise<void> {
    return this.attempt(async () => {
      // The open one may be at work, which to read it anew would end.
      if (id !== this.opened.session?.id) await this.opened.load(id);
      this.toggle(false);
    });
  }

  private actionsOf(session: Session | undefined): Action[] {
    if (session === undefined) return [];
    const { id, archived } = session;
    const current = id === this.opened.session?.id;
    const action = (label: string, work: () => Promise<void>): Action => ({
      label,
      run: () => void this.attempt(work),
    });
    return [
      ...(current && !archived ? [action('Compact', () => this.compact())] : []),
      action('Rename…', () => this.rename(session)),
      action('Fork', () => this.fork(id)),
      action('Export…', () => this.export(session)),
      action(archived ? 'Fetch back' : 'Archive', () => this.archive(id, !archived)),
      action('Delete…', () => this.remove(session)),
    ];
  }

  private async compact(): Promise<void> {
    this.toggle(false);
    await this.opened.compact();
  }

  private async rename({ id, title: before }: Session): Promise<void> {
    const title = await askText('Rename the conversation', before, 'Rename');
    if (title === undefined) return;
    const { session } = await this.bridge.request('ckit/session/rename', { id, title });
    if (id === this.opened.session?.id) this.opened.show(session);
    if (!this.earlier.hidden) await this.refresh();
  }

  private async fork(id: string): Promise<void> {
    const { session } = await this.bridge.request('ckit/session/fork', { id });
    await this.go(session.id);
  }

  private async export({ id, title }: Session): Promise<void> {
    const { content } = await this.bridge.request('ckit/session/export', { id });
    const name = title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');
    await this.bridge.save(`${name.slice(0, 80) || 'conversation'}.md`, content);
  }

  private async archive(id: string, archived: boolean): Promise<void> {
    await this.bridge.request('ckit/session/archive', { id, archived });
    if (id === this.opened.session?.id) await this.opened.load(id);
    if (!this.earlier.hidden) await this.refresh();
  }

  private async remove({ id, title }: Session): Promise<void> {
    const sure = await confirm(`Delete “${title}”?`, 'All that was said in it is gone for good.', 'Delete');
    if (!sure) return;
    await this.bridge.request('ckit/session/delete', { id });
    if (id === this.opened.session?.id) this.opened.clear();
    if (!this.earlier.hidden) await this.refresh();
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    fill(this.problem);
    try {
      await work();
    } catch (error) {
      fill(this.problem, messageOf(error));
    }
  }
}

import type { EntityGetResult, EntitySummary, Finding } from '@ckit/client';
import type { Bridge } from '../../client/views';
import { allEntities, allFindings, fill, h, messageOf } from '../../client/views';

/** The list of entities with their findings, and one of them in detail. */
export class EntitiesView {
  readonly element: HTMLElement;
  private readonly filter = h('input', { type: 'search', placeholder: 'Filter entities', 'aria-label': 'Filter' });
  private readonly list = h('nav', { class: 'entities', 'aria-label': 'Entities' });
  private readonly detail = h('article', { class: 'detail' }, h('p', { class: 'muted' }, 'Choose an entity.'));
  private entities: EntitySummary[] = [];
  private findings: Finding[] = [];
  private chosen: string | undefined;
  private line: number | undefined;
  /** What the list and the detail show: drawn anew without a change, they would slip away under a click. */
  private listed = '';
  private shown = '';
  /** How often something was asked for: an answer that a newer question has overtaken is not shown. */
  private asked = 0;

  constructor(
    private readonly bridge: Bridge,
    private readonly onImpact: (id: string) => void,
    private readonly onSpec: (id: string) => void,
    /** Opens a file outside of the application. */
    private readonly onFile: (path: string) => void,
  ) {
    this.filter.addEventListener('input', () => this.draw());
    this.element = h(
      'section',
      { class: 'split' },
      h('div', { class: 'side' }, h('div', { class: 'composer' }, this.filter), this.list),
      this.detail,
    );
  }

  /** Reads everything anew. */
  async load(): Promise<void> {
    [this.entities, this.findings] = await Promise.all([allEntities(this.bridge), allFindings(this.bridge)]);
    this.draw();
    if (this.chosen !== undefined) await this.choose(this.chosen, this.line);
  }

  /** Shows an entity, at a line of its file where one is given. */
  async choose(id: string, line?: number): Promise<void> {
    this.chosen = id;
    this.line = line;
    this.draw();
    const mine = ++this.asked;
    try {
      const found = await this.bridge.request('ckit/entity/get', { id, text: true });
      if (mine === this.asked) this.show(found, line);
    } catch (error) {
      if (mine === this.asked) this.put(h('p', { class: 'problem' }, messageOf(error)));
    }
  }

  /** Shows a file that may be of an entity. */
  async open(path: string, line: number): Promise<void> {
    const entity = this.entities.find((each) => each.path === path);
    if (entity) {
      // Drawn anew in any case, since that brings the line into view.
      this.shown = '';
      return this.choose(entity.id, line);
    }
    const { text } = await this.bridge.request('ckit/file/read', { path });
    this.put(h('h2', {}, path), source(text, line));
    this.reveal();
  }

  private draw(): void {
    const wanted = this.filter.value.toLowerCase();
    const counts = new Map<string, number>();
    for (const finding of this.findings) counts.set(finding.location.path, (counts.get(finding.location.path) ?? 0) + 1);
    const shown = this.entities.filter((each) => `${each.id} ${each.title ?? ''}`.toLowerCase().includes(wanted));
    const content = JSON.stringify([this.chosen, shown, [...counts]]);
    if (content === this.listed) return;
    this.listed = content;
    const types = [...new Set(shown.map((each) => each.type))];
    fill(
      this.list,
      ...types.flatMap((type) => [
        h('h3', {}, type),
        ...shown.filter((each) => each.type === type).map((each) => this.row(each, counts.get(each.path) ?? 0)),
      ]),
    );
  }

  private row(entity: EntitySummary, findings: number): HTMLElement {
    return h(
      'button',
      {
        class: entity.id === this.chosen ? 'row chosen' : 'row',
        'data-id': entity.id,
        onclick: () => void this.choose(entity.id),
      },
      h('code', {}, entity.id),
      h('span', { class: 'title' }, entity.title ?? ''),
      findings ? h('span', { class: 'badge', title: `${findings} findings` }, String(findings)) : null,
    );
  }

  private show(found: EntityGetResult, line?: number): void {
    const content = JSON.stringify([found, line]);
    if (content === this.shown) return;
    this.shown = content;
    const { entity, relations, findings, text } = found;
    fill(
      this.detail,
      h('h2', {}, h('code', {}, entity.id), ` ${entity.title ?? ''}`),
      h(
        'p',
        { class: 'muted' },
        [entity.type, entity.status, entity.path].filter(Boolean).join(' · '),
        h('span', { class: 'actions' },
          h('button', { onclick: () => this.onImpact(entity.id) }, 'Impact'),
          h('button', { onclick: () => this.onSpec(entity.id) }, 'Write a spec'),
          h('button', { onclick: () => this.onFile(entity.path) }, 'Open file'),
        ),
      ),
      ...findings.map((finding) => this.finding(entity.id, finding)),
      h(
        'ul',
        { class: 'relations' },
        ...relations.map((relation) =>
          h(
            'li',
            {},
            h('span', { class: 'muted' }, relation.direction === 'out' ? `${relation.rel} → ` : `← ${relation.rel} `),
            h('button', { class: 'link', onclick: () => void this.choose(relation.entity.id) },
              `${relation.entity.id} ${relation.entity.title ?? ''}`),
          ),
        ),
      ),
      source(text ?? '', line),
    );
    this.reveal();
  }

  private finding(id: string, finding: Finding): HTMLElement {
    // Those that need more than a value at a place are left to editors.
    const fixes = finding.fixes.flatMap(({ title, file, path, value, creates }) => {
      const target = file === undefined ? id : this.entities.find((each) => each.path === file)?.id;
      return path?.length && creates === undefined && target ? [{ title, target, path, value: value ?? null }] : [];
    });
    const problem = h('span', { class: 'problem', role: 'alert' });
    const mend = async ({ target, path, value }: (typeof fixes)[number]): Promise<void> => {
      fill(problem);
      try {
        await this.bridge.request('ckit/entity/update', { id: target, changes: [{ path, value }], apply: true });
        await this.load();
      } catch (error) {
        fill(problem, messageOf(error));
      }
    };
    return h(
      'div',
      { class: `finding ${finding.severity}` },
      h('span', {}, finding.message),
      ...fixes.map((fix) => h('button', { class: 'fix', onclick: () => void mend(fix) }, fix.title)),
      problem,
    );
  }

  /** Shows something that is no entity. */
  private put(...children: HTMLElement[]): void {
    this.shown = '';
    fill(this.detail, ...children);
  }

  private reveal(): void {
    this.detail.querySelector('.line.here')?.scrollIntoView({ block: 'center' });
  }
}

function source(text: string, line?: number): HTMLElement {
  const lines = text.split('\n');
  return h(
    'pre',
    { class: 'source', tabindex: '0' },
    ...lines.map((each, number) => h('div', { class: number === line ? 'line here' : 'line' }, each || ' ')),
  );
}

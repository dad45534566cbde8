import cytoscape from 'cytoscape';
import type { Bridge } from './bridge';
import { arrange } from './columns';
import { fill, h } from './dom';
import { captions, colorsOf, styleOf } from './graphStyle';

/** So many facts or more are not drawn while the picture moves. */
const MANY = 1500;
const MARGIN = 24;
const MOST = 10_000;

/** The graph of the repository: filter by type, find, click to choose, and see what a change reaches. */
export class GraphView {
  readonly element: HTMLElement;
  private readonly canvas = h('div', { class: 'canvas', role: 'img', 'aria-label': 'Graph of entities' });
  private readonly filters = h('div', { class: 'filters' });
  private readonly search = h('input', { type: 'search', placeholder: 'Find', 'aria-label': 'Find in the graph' });
  private readonly hidden = new Set<string>();
  private colors: ReadonlyMap<string, string> = new Map();
  private readonly left = h('span', { class: 'left', role: 'status' });
  private picture: cytoscape.Core | undefined;

  constructor(
    private readonly bridge: Bridge,
    private readonly onChoose: (id: string) => void,
  ) {
    this.search.addEventListener('input', () => this.find());
    this.search.addEventListener('keydown', (event) => {
      const first = this.found().first();
      if (event.key === 'Enter' && first.nonempty()) this.onChoose(first.id());
    });
    const all = h('button', { type: 'button', onclick: () => this.fit() }, 'Fit');
    const bar = h('div', { class: 'bar' }, this.filters, this.left, this.search, all);
    this.element = h('section', { class: 'graph' }, bar, this.canvas);
  }

  /** Draws the graph anew; what a person looks at stays in view. */
  async load(): Promise<void> {
    const graph = await this.bridge.request('ckit/repo/graph', { limit: MOST });
    // What governs everything says nothing about how things hang together.
    const edges = graph.edges.filter(({ rel }) => rel !== 'governs');
    const view = this.picture && { zoom: this.picture.zoom(), pan: { ...this.picture.pan() } };
    this.left.textContent =
      graph.totalNodes > graph.nodes.length ? `The first ${graph.nodes.length} of ${graph.totalNodes} entities` : '';
    const types = [...new Set(graph.nodes.map((node) => node.type))];
    this.colors = colorsOf(types);
    this.drawFilters(types);
    this.picture?.destroy();
    const caption = captions(this.canvas);
    const picture = cytoscape({
      container: this.canvas,
      elements: [
        ...graph.nodes.map(({ id, type, title }) => ({ data: { id, type, title, label: caption(id, title) } })),
        ...edges.map(({ source, target, rel }) => ({ data: { source, target, rel } })),
      ],
      layout: { name: 'preset' },
      minZoom: 0.03,
      maxZoom: 3,
      hideEdgesOnViewport: edges.length > MANY,
      textureOnViewport: edges.length > MANY,
      boxSelectionEnabled: false,
      autoungrabify: true,
    });
    this.picture = picture;
    picture.on('tap', 'node', (event) => this.onChoose(String(event.target.id())));
    picture.on('mouseover', 'node', (event) => event.target.connectedEdges().addClass('near'));
    picture.on('mouseout', 'node', (event) => event.target.connectedEdges().removeClass('near'));
    this.applyFilters();
    if (view) picture.viewport(view);
    else this.fit();
  }

  /** Marks what a change of an entity reaches, and brings it into view unless a person looks at it already. */
  async highlight(id: string, isInView = false): Promise<void> {
    const impact = await this.bridge.request('ckit/repo/impact', { ids: [id] });
    const stale = new Set(impact.stale.map(({ entity }) => entity.id));
    this.picture?.batch(() => {
      this.picture?.nodes().forEach((node) => {
        node.toggleClass('changed', node.id() === id);
        node.toggleClass('stale', stale.has(node.id()));
      });
      this.fade((node) => node.hasClass('changed') || node.hasClass('stale'));
    });
    if (!isInView) this.fit(this.picture?.nodes('.changed, .stale'));
  }

  /** Marks nothing any more, and brings everything into view. */
  showAll(): void {
    this.picture?.batch(() => {
      this.picture?.nodes().removeClass('changed stale');
      this.fade(() => true);
    });
    this.fit();
  }

  private drawFilters(types: string[]): void {
    fill(
      this.filters,
      ...types.map((type) => {
        const box = h('input', { type: 'checkbox', checked: !this.hidden.has(type) });
        box.addEventListener('change', () => {
          if (box.checked) this.hidden.delete(type);
          else this.hidden.add(type);
          this.applyFilters();
          this.fit();
        });
        const dot = h('span', { class: 'dot' });
        dot.style.backgroundColor = this.colors.get(type) ?? '';
        return h('label', {}, box, dot, type);
      }),
    );
  }

  /** Hides types, and closes the gaps that they leave. */
  private applyFilters(): void {
    const { picture } = this;
    if (!picture) return;
    picture.batch(() => {
      picture.nodes().forEach((node) => {
        node.toggleClass('hidden', this.hidden.has(String(node.data('type'))));
      });
      const shown = picture.nodes().not('.hidden');
      const places = arrange(
        shown.map((node) => ({ id: node.id(), type: String(node.data('type')) })),
        picture.edges().map((edge) => ({ source: edge.source().id(), target: edge.target().id() })),
        this.canvas.clientHeight / Math.max(1, this.canvas.clientWidth),
      );
      shown.positions((node) => places.get(node.id()) ?? { x: 0, y: 0 });
    });
    // Lines are laid between the places of their ends, so that they come last.
    picture.style(styleOf(this.canvas, this.colors));
  }

  /** Brings entities into view, all of them by default. */
  private fit(which = this.picture?.nodes()): void {
    const shown = which?.not('.hidden');
    if (!this.picture || !shown?.nonempty()) return;
    this.picture.fit(shown, MARGIN);
    if (this.picture.zoom() <= 1) return;
    this.picture.zoom(1);
    this.picture.center(shown);
  }

  /** Leaves bright what has the words of the search field in its id or title. */
  private find(): void {
    const found = this.search.value.trim() ? this.found() : undefined;
    this.picture?.batch(() => this.fade((node) => found?.contains(node) ?? true));
    this.fit(found);
  }

  private found(): cytoscape.NodeCollection {
    const wanted = this.search.value.trim().toLowerCase();
    const fits = (node: cytoscape.NodeSingular): boolean =>
      `${node.id()} ${String(node.data('title') ?? '')}`.toLowerCase().includes(wanted);
    return (this.picture ?? cytoscape()).nodes().not('.hidden').filter(fits);
  }

  private fade(isBright: (node: cytoscape.NodeSingular) => boolean): void {
    this.picture?.nodes().forEach((node) => {
      node.toggleClass('faded', !isBright(node));
    });
    this.picture?.edges().forEach((edge) => {
      edge.toggleClass('faded', edge.source().hasClass('faded') || edge.target().hasClass('faded'));
    });
  }
}

import cytoscape from 'cytoscape';
import type { EntitySummary } from '@ckit/protocol';
import type { Bridge } from './bridge';
import { fill, h } from './dom';

const COLORS = ['#5b8def', '#3aa76d', '#b57edc', '#e0a030', '#d9534f', '#3fb8c6', '#8d8d8d', '#c2649a'];

/** The graph of the repository: filter by type, click to choose, and see what a change reaches. */
export class GraphView {
  readonly element: HTMLElement;
  private readonly canvas = h('div', { class: 'canvas', role: 'img', 'aria-label': 'Graph of entities' });
  private readonly filters = h('div', { class: 'filters' });
  private readonly hidden = new Set<string>();
  private picture: cytoscape.Core | undefined;

  constructor(
    private readonly bridge: Bridge,
    private readonly onChoose: (id: string) => void,
  ) {
    this.element = h('section', { class: 'graph' }, this.filters, this.canvas);
  }

  /** Draws the graph anew. */
  async load(): Promise<void> {
    const graph = await this.bridge.request('ckit/repo/graph', { limit: 10_000 });
    const types = [...new Set(graph.nodes.map((node) => node.type))];
    const colorOf = (type: string): string => COLORS[types.indexOf(type) % COLORS.length] ?? '#888';
    this.drawFilters(types, colorOf);
    this.picture?.destroy();
    const style = getComputedStyle(this.element);
    this.picture = cytoscape({
      container: this.canvas,
      elements: [
        ...graph.nodes.map((node) => ({ data: { id: node.id, label: labelOf(node), type: node.type } })),
        // What governs everything says nothing about how things hang together.
        ...graph.edges.filter(({ rel }) => rel !== 'governs').map((edge) => ({ data: { source: edge.source, target: edge.target, rel: edge.rel } })),
      ],
      layout: { name: 'cose', animate: false, randomize: false, nodeRepulsion: () => 200_000, idealEdgeLength: () => 90, nodeOverlap: 60, padding: 24 },
      style: [
        {
          selector: 'node',
          style: {
            label: 'data(label)',
            color: style.color,
            width: 16,
            height: 16,
            'font-size': 8,
            'text-valign': 'bottom',
            'text-margin-y': 2,
            'text-wrap': 'ellipsis',
            'text-max-width': '110px',
            'background-color': (node: cytoscape.NodeSingular) => colorOf(String(node.data('type'))),
          },
        },
        { selector: 'edge', style: { width: 1, opacity: 0.45, 'line-color': '#888', 'curve-style': 'bezier', 'target-arrow-shape': 'triangle', 'target-arrow-color': '#888' } },
        { selector: '.faded', style: { opacity: 0.12, 'text-opacity': 0 } },
        { selector: '.changed', style: { 'border-width': 4, 'border-color': '#d9534f' } },
        { selector: '.stale', style: { 'border-width': 4, 'border-color': '#e0a030' } },
      ],
    });
    this.picture.on('tap', 'node', (event) => this.onChoose(String(event.target.id())));
    this.applyFilters();
  }

  /** Marks what a change of an entity reaches. */
  async highlight(id: string): Promise<void> {
    const impact = await this.bridge.request('ckit/repo/impact', { ids: [id] });
    const stale = new Set(impact.stale.map(({ entity }) => entity.id));
    this.picture?.batch(() => {
      this.picture?.nodes().forEach((node) => {
        const reached = stale.has(node.id());
        node.toggleClass('changed', node.id() === id);
        node.toggleClass('stale', reached);
        node.toggleClass('faded', !reached && node.id() !== id);
      });
      this.picture?.edges().forEach((edge) => {
        edge.toggleClass('faded', edge.source().hasClass('faded') || edge.target().hasClass('faded'));
      });
    });
  }

  private drawFilters(types: string[], colorOf: (type: string) => string): void {
    fill(
      this.filters,
      ...types.map((type) => {
        const box = h('input', { type: 'checkbox', checked: !this.hidden.has(type) });
        box.addEventListener('change', () => {
          if (box.checked) this.hidden.delete(type);
          else this.hidden.add(type);
          this.applyFilters();
        });
        const dot = h('span', { class: 'dot' });
        dot.style.backgroundColor = colorOf(type);
        return h('label', {}, box, dot, type);
      }),
    );
  }

  private applyFilters(): void {
    this.picture?.nodes().forEach((node) => {
      node.style('display', this.hidden.has(String(node.data('type'))) ? 'none' : 'element');
    });
  }
}

function labelOf(node: EntitySummary): string {
  return node.title ? `${node.id} ${node.title}` : node.id;
}

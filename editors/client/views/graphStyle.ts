import type cytoscape from 'cytoscape';
import { cable, CARD } from './columns';
import type { Cable } from './columns';

const COLORS: Record<string, string> = {
  governance: '#7c3aed',
  feature: '#2563eb',
  userstory: '#0891b2',
  spec: '#059669',
  task: '#d97706',
  service: '#dc2626',
  package: '#db2777',
};
const OTHERS = ['#64748b', '#65a30d', '#9333ea', '#0d9488', '#b45309', '#4f46e5'];
const TEXT = { size: 12, inset: 16 };

/** The color of each type: those that ckit's other pictures have, too. */
export function colorsOf(types: readonly string[]): Map<string, string> {
  const others = types.filter((type) => !(type in COLORS));
  return new Map(
    types.map((type) => [type, COLORS[type] ?? OTHERS[others.indexOf(type) % OTHERS.length] ?? '#888']),
  );
}

/** Writes an entity on its card: the id, and below it as much of the title as there is room for. */
export function captions(element: Element): (id: string, title: string | undefined) => string {
  const pen = document.createElement('canvas').getContext('2d');
  if (pen) pen.font = `${TEXT.size}px ${getComputedStyle(element).fontFamily}`;
  const fits = (text: string): boolean => !pen || pen.measureText(text).width <= CARD.width - TEXT.inset - 10;
  const shorten = (text: string): string => {
    if (fits(text)) return text;
    const letters = [...text.slice(0, 60)];
    while (letters.length > 0 && !fits(`${letters.join('')}…`)) letters.pop();
    return `${letters.join('').trimEnd()}…`;
  };
  return (id, title) => (title ? `${shorten(id)}\n${shorten(title)}` : shorten(id));
}

/** How the picture looks in the theme of the page around it. */
export function styleOf(element: Element, colors: ReadonlyMap<string, string>): cytoscape.StylesheetJson {
  const theme = getComputedStyle(element);
  const value = (name: string): string => theme.getPropertyValue(`--${name}`).trim();
  const text = theme.color;
  const card = value('panel') || 'transparent';
  const run = (edge: cytoscape.EdgeSingular): Cable => cable(edge.source().position(), edge.target().position());
  const colorOf = (node: cytoscape.NodeSingular): string => colors.get(String(node.data('type'))) ?? '#888';
  // The types of cytoscape know fewer properties and values than it has.
  return [
    {
      selector: 'node',
      style: {
        shape: 'round-rectangle',
        width: CARD.width,
        height: CARD.height,
        'corner-radius': 8,
        'background-fill': 'linear-gradient',
        'background-gradient-direction': 'to-right',
        'background-gradient-stop-colors': (node: cytoscape.NodeSingular) =>
          `${colorOf(node)} ${colorOf(node)} ${card} ${card}`,
        'background-gradient-stop-positions': '0 3.2 3.2 100',
        'border-width': 1,
        'border-color': '#888',
        'border-opacity': 0.4,
        label: 'data(label)',
        color: text,
        'font-family': theme.fontFamily,
        'font-size': TEXT.size,
        'line-height': 1.35,
        'text-wrap': 'wrap',
        'text-max-width': 400,
        'text-justification': 'left',
        // A label to the right of the card, moved back over it, begins at the same place on every card.
        'text-halign': 'right',
        'text-valign': 'center',
        'text-margin-x': TEXT.inset - CARD.width,
        'min-zoomed-font-size': 5,
      },
    },
    {
      selector: 'edge',
      style: {
        width: 1.3,
        opacity: 0.55,
        'line-color': '#888',
        'curve-style': 'unbundled-bezier',
        'edge-distances': 'endpoints',
        'source-endpoint': (edge: cytoscape.EdgeSingular) => run(edge).source,
        'target-endpoint': (edge: cytoscape.EdgeSingular) => run(edge).target,
        'control-point-weights': (edge: cytoscape.EdgeSingular) => run(edge).weights,
        'control-point-distances': (edge: cytoscape.EdgeSingular) => run(edge).distances,
        'target-arrow-shape': 'triangle',
        'target-arrow-color': '#888',
        'arrow-scale': 0.8,
      },
    },
    {
      selector: 'edge.near',
      style: {
        width: 2.2,
        opacity: 1,
        'line-color': value('accent'),
        'target-arrow-color': value('accent'),
        'z-index': 9,
        label: 'data(rel)',
        color: text,
        'font-size': 10,
        'text-background-color': card,
        'text-background-opacity': 0.92,
        'text-background-padding': 3,
        'min-zoomed-font-size': 6,
      },
    },
    { selector: '.hidden', style: { display: 'none' } },
    { selector: 'node.faded', style: { opacity: 0.22 } },
    { selector: 'edge.faded', style: { opacity: 0.06 } },
    { selector: '.changed', style: { 'border-width': 3, 'border-opacity': 1, 'border-color': value('bad') } },
    { selector: '.stale', style: { 'border-width': 3, 'border-opacity': 1, 'border-color': value('warn') } },
  ] as unknown as cytoscape.StylesheetJson;
}

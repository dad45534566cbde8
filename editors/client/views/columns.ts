/**
 * Where the cards of a graph stand: a column for each type, and in it each entity near what it is joined to.
 *
 * `ckit_daemon/core/export/picture/picture.js` says the same for exported pages, which stand alone, and has to agree.
 */

export interface Point {
  x: number;
  y: number;
}

/** The size of a card, in the units of the picture. */
export const CARD = { width: 184, height: 46 };

const BETWEEN_COLUMNS = 88;
const BETWEEN_PARTS = 30;
const BETWEEN_ROWS = { least: 16, most: 74 };
const LEAST_ROWS = 12;
const SWEEPS = 12;

/**
 * Places entities in columns, in the order in which their types come.
 *
 * Each sweep moves the entities of a column to the mean height of their neighbours (the barycenter method of Sugiyama,
 * Tagawa and Toda, 1981), so that ten thousand take a fraction of a second. Columns that grow long are broken.
 *
 * @param ratio the window's height divided by its width; short columns spread over the height that it leaves.
 */
export function arrange(
  nodes: readonly { id: string; type: string }[],
  edges: readonly { source: string; target: string }[],
  ratio: number,
): Map<string, Point> {
  const columns = ordered(nodes, edges);
  const rows = Math.max(LEAST_ROWS, Math.ceil(Math.sqrt(nodes.length) * 1.1));
  const parts = columns.flatMap((column) => broken(column, rows));
  const height = parts.length * (CARD.width + BETWEEN_COLUMNS) * ratio;
  const placed = new Map<string, Point>();
  let x = 0;
  for (const { ids, isLast } of parts) {
    const gap = Math.max(BETWEEN_ROWS.least, height / ids.length - CARD.height);
    const step = CARD.height + Math.min(BETWEEN_ROWS.most, gap);
    ids.forEach((id, index) => placed.set(id, { x, y: (index - (ids.length - 1) / 2) * step }));
    x += CARD.width + (isLast ? BETWEEN_COLUMNS : BETWEEN_PARTS);
  }
  return placed;
}

function ordered(
  nodes: readonly { id: string; type: string }[],
  edges: readonly { source: string; target: string }[],
): string[][] {
  const byType = new Map<string, string[]>();
  for (const { id, type } of nodes) {
    const column = byType.get(type);
    if (column) column.push(id);
    else byType.set(type, [id]);
  }
  const columns = [...byType.values()];
  const height = new Map<string, number>();
  const settle = (column: string[]): void =>
    column.forEach((id, index) => height.set(id, (index + 0.5) / column.length));
  columns.forEach(settle);
  const neighbours = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { source, target } of edges) {
    if (!height.has(source) || !height.has(target)) continue;
    neighbours.get(source)?.push(target);
    neighbours.get(target)?.push(source);
  }
  const heightOf = (id: string): number => height.get(id) ?? 0;
  const mean = (id: string): number => {
    const near = neighbours.get(id) ?? [];
    return near.length > 0 ? near.reduce((sum, each) => sum + heightOf(each), 0) / near.length : heightOf(id);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const column of sweep % 2 === 0 ? columns : [...columns].reverse()) {
      const wanted = new Map(column.map((id) => [id, mean(id)]));
      column.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0));
      settle(column);
    }
  }
  return columns;
}

/** A column in parts of about the same length, none of which is longer than so many rows. */
function broken(column: string[], rows: number): { ids: string[]; isLast: boolean }[] {
  const parts = Math.ceil(column.length / rows);
  const length = Math.ceil(column.length / parts);
  return Array.from({ length: parts }, (_, part) => ({
    ids: column.slice(part * length, (part + 1) * length),
    isLast: part === parts - 1,
  }));
}

/** How a line runs between two cards, in the terms of cytoscape's unbundled Bézier curves. */
export interface Cable {
  source: string;
  target: string;
  weights: number[];
  distances: number[];
}

/** A line that leaves and reaches cards level at their sides, like a cable. */
export function cable(start: Point, end: Point): Cable {
  const across = end.x - start.x;
  const [from, to] = Math.abs(across) < 1 ? [1, 1] : across > 0 ? [1, -1] : [-1, 1];
  const dx = across + ((to - from) * CARD.width) / 2;
  const dy = end.y - start.y;
  const length = Math.hypot(dx, dy) || 1;
  const reach = from === to ? BETWEEN_COLUMNS / 2 + Math.abs(dy) / 12 : Math.abs(dx) / 2;
  const points = [
    { x: from * reach, y: 0 },
    { x: dx + to * reach, y: dy },
  ];
  return {
    source: `${(from * CARD.width) / 2}px 0px`,
    target: `${(to * CARD.width) / 2}px 0px`,
    weights: points.map(({ x, y }) => (x * dx + y * dy) / (length * length)),
    distances: points.map(({ x, y }) => (y * dx - x * dy) / length),
  };
}

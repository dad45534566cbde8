import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange, cable, CARD } from '../views/columns';
import type { Point } from '../views/columns';

const WINDOW = 0.6;

function entities(type: string, count: number): { id: string; type: string }[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${type}-${index}`, type }));
}

function at(places: Map<string, Point>, id: string): Point {
  const place = places.get(id);
  assert.ok(place, id);
  return place;
}

test('types stand in columns, in the order in which they come', () => {
  const nodes = [...entities('feature', 3), ...entities('task', 2)];
  const places = arrange(nodes, [], WINDOW);
  const columns = nodes.map(({ id }) => at(places, id).x);
  assert.deepEqual(columns, [0, 0, 0, columns[3], columns[3]]);
  assert.ok((columns[3] ?? 0) > CARD.width);
});

test('an entity stands near those that it is joined to', () => {
  const nodes = [...entities('feature', 4), ...entities('task', 4)];
  // Crossed as they come; uncrossed they are four level lines.
  const edges = [0, 1, 2, 3].map((index) => ({ source: `feature-${index}`, target: `task-${3 - index}` }));
  const places = arrange(nodes, edges, WINDOW);
  for (const { source, target } of edges) assert.equal(at(places, source).y, at(places, target).y);
});

test('no two of many cards lie on each other, and long columns are broken', () => {
  const nodes = [...entities('feature', 40), ...entities('task', 3000)];
  const edges = nodes.slice(40).map(({ id }, index) => ({ source: `feature-${index % 40}`, target: id }));
  const places = [...arrange(nodes, edges, WINDOW).values()];
  assert.equal(places.length, nodes.length);
  const rows = new Map<number, number[]>();
  for (const { x, y } of places) rows.set(x, [...(rows.get(x) ?? []), y]);
  assert.ok(rows.size > 20);
  for (const heights of rows.values()) {
    heights.sort((one, other) => one - other);
    for (const [index, y] of heights.slice(1).entries()) assert.ok(y - (heights[index] ?? 0) >= CARD.height);
  }
});

test('facts about what is not shown place nothing', () => {
  const places = arrange(entities('task', 2), [{ source: 'feature-1', target: 'task-0' }], WINDOW);
  assert.deepEqual([...places.keys()], ['task-0', 'task-1']);
});

test('a line leaves a card at the side where its end is', () => {
  const right = cable({ x: 0, y: 0 }, { x: 400, y: 100 });
  assert.deepEqual([right.source, right.target], [`${CARD.width / 2}px 0px`, `${-CARD.width / 2}px 0px`]);
  const left = cable({ x: 400, y: 0 }, { x: 0, y: 0 });
  assert.deepEqual([left.source, left.target], [`${-CARD.width / 2}px 0px`, `${CARD.width / 2}px 0px`]);
  const same = cable({ x: 0, y: 0 }, { x: 0, y: 100 });
  assert.deepEqual([same.source, same.target], [`${CARD.width / 2}px 0px`, `${CARD.width / 2}px 0px`]);
  // Where the ends are level, so is the whole line.
  assert.deepEqual(left.distances, [0, 0]);
});

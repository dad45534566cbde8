import { fill, h, messageOf } from '../../client/views/dom';
import { GraphView } from '../../client/views/graph';
import { makeBridge, post } from './bridge';

let highlighted: string | undefined;
let inView: string | undefined;
let loading: Promise<void> | undefined;
const status = h('div', { class: 'status', role: 'status' });

const bridge = makeBridge((order) => {
  if (order.kind !== 'highlight') return;
  highlighted = order.entity;
  inView = undefined;
  void (loading ?? load()).then(() => attempt(highlight));
});
const graph = new GraphView(bridge, (entity) => post({ kind: 'choose', entity }));
document.body.append(graph.element, status);

async function load(): Promise<void> {
  await attempt(async () => {
    await graph.load();
    await highlight();
  });
}

async function highlight(): Promise<void> {
  const entity = highlighted;
  if (entity === undefined) {
    fill(status);
    return;
  }
  await graph.highlight(entity, entity === inView);
  inView = entity;
  const all = h('button', { class: 'link', onclick: () => reset() }, 'Show all');
  fill(status, `What a change of ${entity} reaches. `, all);
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    fill(status, messageOf(error));
  }
}

function reset(): void {
  highlighted = inView = undefined;
  fill(status);
  graph.showAll();
}

function reload(): void {
  loading = load();
}

let pending: ReturnType<typeof setTimeout> | undefined;
bridge.onChange(() => {
  clearTimeout(pending);
  pending = setTimeout(reload, 300);
});
// Colors of texts are part of the picture: another theme needs another one.
new MutationObserver(reload).observe(document.body, { attributeFilter: ['class'] });
reload();
post({ kind: 'ready' });

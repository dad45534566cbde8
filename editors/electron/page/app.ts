import { AskView, ChatView, GraphView, fill, h, messageOf, renderDiff, renderMarkdown } from '../../client/views';
import { makeBridge, NO_REPOSITORY } from './bridge';
import { EntitiesView } from './entities';

const bridge = makeBridge((path, line) => {
  show('Entities');
  quietly(entities.open(path, line));
});
const entities = new EntitiesView(
  bridge,
  (id) => quietly(impactOf(id)),
  (id) => quietly(writeSpec(id)),
  (path) => quietly(bridge.openFile(path)),
);
const graph = new GraphView(bridge, (id) => {
  show('Entities');
  quietly(entities.choose(id));
});
const chat = new ChatView(bridge);
const ask = new AskView(bridge);
const spec = h('section', { class: 'spec' }, h('p', { class: 'muted' }, 'Choose an entity, then “Write a spec”.'));

const panels: Record<string, HTMLElement> = {
  Entities: entities.element,
  Graph: graph.element,
  Chat: chat.element,
  Ask: ask.element,
  Spec: spec,
};
const state = h('span', { class: 'state', role: 'status' }, 'starting');
const folderName = h('span', { class: 'muted' });
const trouble = h('p', { class: 'trouble problem', role: 'alert' });
const tabs = new Map(
  Object.keys(panels).map((name) => [
    name,
    h('button', { role: 'tab', 'data-panel': name, onclick: () => show(name) }, name),
  ]),
);
const main = h('main', {}, ...Object.values(panels));

function show(name: string): void {
  for (const [each, panel] of Object.entries(panels)) {
    panel.hidden = each !== name;
    tabs.get(each)?.setAttribute('aria-selected', String(each === name));
  }
  if (name === 'Graph') quietly(drawGraph());
}

let drawn = false;
async function drawGraph(): Promise<void> {
  if (drawn) return;
  drawn = true;
  try {
    await graph.load();
  } catch (error) {
    // The next look draws it.
    drawn = false;
    throw error;
  }
}

async function impactOf(id: string): Promise<void> {
  show('Graph');
  await drawGraph();
  await graph.highlight(id);
}

/** Has a specification written, shows it with what would change, and saves it when the person says so. */
async function writeSpec(id: string): Promise<void> {
  show('Spec');
  const text = h('div', { class: 'answer', 'aria-live': 'polite' });
  const actions = h('div', { class: 'choices' });
  fill(spec, h('h2', {}, `Specification of ${id}`), actions, text);
  let written = '';
  const { result, cancel } = bridge.stream('ckit/spec/generate', { entities: [id] }, (part) => {
    written += part;
    renderMarkdown(text, written);
  });
  fill(actions, h('button', { onclick: cancel }, 'Stop'));
  try {
    const made = await result;
    renderMarkdown(text, made.markdown);
    text.append(renderDiff(made.diff));
    fill(
      actions,
      h(
        'button',
        {
          class: 'allowOnce',
          onclick: async () => {
            fill(actions, h('span', { class: 'muted' }, 'Saving…'));
            show('Chat');
            try {
              await bridge.request('ckit/code/apply', { generationId: made.generationId });
              show('Entities');
              await entities.load();
              await entities.choose(made.id);
            } catch (error) {
              show('Spec');
              fill(actions, h('span', { class: 'problem' }, messageOf(error)));
            }
          },
        },
        `Save as ${made.id}`,
      ),
    );
  } catch (error) {
    fill(actions, h('span', { class: 'problem' }, messageOf(error)));
  }
}

async function reload(): Promise<void> {
  drawn = false;
  try {
    await entities.load();
  } catch (error) {
    // The list of repositories is what there is by now; only what is asked about one waits until the folder is read.
    const { repositories } = await bridge.request('ckit/repo/list', {});
    throw repositories.length === 0 ? new Error(NO_REPOSITORY) : error;
  }
  if (!graph.element.hidden) await drawGraph();
}

/** Runs something, and tells above everything else that it failed. */
function quietly(work: Promise<void>): void {
  fill(trouble);
  work.catch((error: unknown) => fill(trouble, messageOf(error)));
}

let pending: ReturnType<typeof setTimeout> | undefined;
bridge.onChange(() => {
  clearTimeout(pending);
  pending = setTimeout(() => quietly(reload()), 150);
});
window.ckit.onState((now, folder) => {
  state.textContent = now.name;
  state.className = `state ${now.name}`;
  folderName.textContent = folder.split(/[\\/]/).pop() ?? folder;
  folderName.title = folder;
  if (now.name === 'running') quietly(reload());
  // Why there is no daemon, and what to do about it; or what has happened to the page.
  fill(trouble, now.detail);
});

document.getElementById('app')?.append(
  h(
    'header',
    {},
    h('strong', {}, 'ckit'),
    h('div', { role: 'tablist' }, ...tabs.values()),
    h('span', { class: 'space' }),
    folderName,
    h('button', { onclick: () => quietly(window.ckit.chooseFolder()) }, 'Open…'),
    state,
  ),
  trouble,
  main,
);
show('Entities');

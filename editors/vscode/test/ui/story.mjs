// A person's story in VS Code's window; what was seen goes to standard output as JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from './workbench.mjs';

const options = JSON.parse(process.argv[2]);
const { folder } = options;
const seen = {};

function textOf(kind, id) {
  const inside = join(folder, 'contexts', kind);
  const name = readdirSync(inside).find((each) => each.startsWith(id));
  return name === undefined ? '' : readFileSync(join(inside, name), 'utf8');
}

const workbench = await open(options);
const { page } = workbench;
/** The side bar that holds the tree of entities. */
const tree = page.locator('.pane-body .customview-tree');

async function trust() {
  await workbench.load();
  await workbench.ready('pass');
  await workbench.status.click();
  const repository = page.locator('.quick-input-list .monaco-list-row', { hasText: 'entities' });
  seen.untrusted = (await repository.innerText()).replaceAll(/\s+/g, ' ').trim();
  await page.keyboard.press('Escape');
  await workbench.command('Workspaces: Manage Workspace Trust');
  await page
    .locator('.workspace-trust-editor .workspace-trust-buttons-row .monaco-button', { hasText: 'Trust' })
    .first()
    .click();
  await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ state: 'detached' });
  await page.locator('.monaco-modal-editor-block .action-label.codicon-close').first().click();
  // The daemon is started again, since it has been told that nobody trusts the folder.
  await workbench.until(async () => {
    await workbench.status.click();
    seen.trusted = (await repository.innerText()).replaceAll(/\s+/g, ' ').trim();
    await workbench.shot('health');
    await page.keyboard.press('Escape');
    await repository.waitFor({ state: 'hidden' });
    return /· trusted/.test(seen.trusted);
  }, 'a trusted repository');
}

async function mend() {
  await page.locator('.activitybar .action-item a[aria-label^="ckit"]').click();
  const types = tree.locator('.monaco-list-row[aria-level="1"]');
  await types.nth(6).waitFor();
  seen.types = await types.count();
  const feature = tree.locator('.monaco-list-row', { hasText: 'FEAT-001' });
  await feature.waitFor();
  // The badge is drawn by the style of the row, which may be another element as soon as the tree is drawn anew.
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('.customview-tree .monaco-list-row')];
    const label = rows.find((row) => row.textContent.includes('FEAT-001'))?.querySelector('.monaco-icon-label');
    return label && getComputedStyle(label, '::after').content === '"1"';
  });
  seen.counted = '1';
  await feature.click();
  await workbench.tab('FEAT-001').waitFor();
  await feature.locator('.monaco-tl-twistie').click();
  await tree.locator('.monaco-list-row', { hasText: 'US-0001' }).click();
  // Before, the tree had the focus, where F8 does nothing.
  await workbench.active('FEAT-001');
  await page.locator('.squiggly-error').first().waitFor();
  await page.keyboard.press('F8');
  await page.locator('.marker-widget', { hasText: 'US-0001' }).waitFor();
  await workbench.shot('fault');
  await page.keyboard.press('Escape');
  await page.locator('.marker-widget').waitFor({ state: 'detached' });
  await page.locator('.lightBulbWidget').first().click();
  const fix = page.locator('.action-widget .monaco-list-row', { hasText: 'US-001' }).first();
  await fix.waitFor();
  seen.fix = (await fix.innerText()).trim();
  await workbench.shot('fix');
  await fix.click();
  await page.locator('.squiggly-error').first().waitFor({ state: 'detached' });
  await page.keyboard.press('Control+S');
  await tree.locator('.monaco-list-row', { hasText: 'US-0001' }).waitFor({ state: 'detached' });
  seen.mended = await workbench.until(
    () => /^userStories: \[US-001, /m.test(textOf('features', 'FEAT-001')),
    'the saved file',
  );
}

async function ask() {
  await workbench.command('ckit: Ask the Repository a Question');
  await workbench.answer('How long does an item wait on the hold shelf?');
  const inside = await workbench.inside('ask');
  await inside.locator('.sources li').first().waitFor();
  await inside.locator('.answer .citation').first().waitFor();
  seen.sources = await inside.locator('.sources li').count();
  const cited = await inside.locator('.sources .muted').first().innerText();
  await inside.locator('.sources button.link').first().click();
  const [path, line] = cited.trim().split(':');
  await workbench.tab(path.split('/').pop()).waitFor();
  await page.locator('.statusbar-item', { hasText: `Ln ${line},` }).waitFor();
  seen.cited = true;
  await workbench.shot('ask');
  // What stands in a page can't run there, and the page reaches no network; attempts are noticed by this test.
  const before = [...workbench.problems];
  seen.strict = await inside.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "changed"';
    document.body.append(script);
    const reached = await fetch(location.origin).then(
      () => true,
      () => false,
    );
    return { ran: document.title === 'changed', reached };
  });
  const refused = (what) => workbench.problems.slice(before.length).some((each) => what.test(each));
  // All that the browser has to say of them, or the rest would be taken for a problem of the page.
  const words = [/script-src/, /connect-src|default-src/, /Fetch API/];
  await workbench.until(() => words.every(refused), 'all refusals');
  seen.noticed = true;
  workbench.problems.splice(0, Infinity, ...before);
}

/** What is meant is found while it is typed, and opens at its line. */
async function search() {
  await workbench.command('ckit: Search the Repository by Meaning');
  const input = page.locator('.quick-input-widget:visible .quick-input-box input');
  // At once, since each pause would be a search of its own, and draw the list anew.
  await input.fill('how long is a reserved copy kept for me');
  // A part of it, found by its words or by its meaning, however far the index is; other rows may name it as well.
  const found = page.locator('.quick-input-list .monaco-list-row', {
    has: page.locator('.label-name', { hasText: /FEAT-003 [^,]+, / }),
  });
  await found.first().waitFor();
  await workbench.shot('search');
  // What stands above the first passage is no place to go to.
  await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: '%' }).waitFor();
  await found.first().click();
  await workbench.tab('FEAT-003').waitFor();
  await page.locator('.statusbar-item', { hasText: /Ln (?!1,)/ }).waitFor();
  seen.searched = true;
}

/** The menus of an entity, in the tree and in its file, offer what can be done with it. */
async function look() {
  const offered = async () => {
    const labels = page.locator('.monaco-menu-container:visible .action-label[aria-label]:not(.separator)');
    await labels.first().waitFor();
    return labels.allInnerTexts();
  };
  await tree.locator('.monaco-list-row', { hasText: 'FEAT-003' }).click({ button: 'right' });
  seen.menu = await offered();
  await workbench.shot('menu');
  await page.keyboard.press('Escape');
  await page.locator('.monaco-editor .view-line', { hasText: 'id:' }).first().click({ button: 'right' });
  const submenu = page.locator('.monaco-menu-container:visible .action-menu-item', { hasText: 'ckit' });
  await submenu.hover();
  await page.locator('.monaco-menu-container:visible .action-menu-item', { hasText: 'Delete Entity' }).waitFor();
  await workbench.shot('editor-menu');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
}

/** A model of a provider is chosen, its key asked for once, and its answer, which never ends, is cancelled. */
async function useModel() {
  await workbench.command('ckit: Models');
  await workbench.pick('scripted');
  await page.locator('.quick-input-widget:visible input[type="password"]').waitFor();
  await workbench.shot('key');
  await workbench.answer(options.key);
  await page.locator('.quick-input-title', { hasText: 'Models of scripted' }).waitFor();
  await workbench.shot('models');
  await workbench.pick('scripted-b');
  await workbench.pick('For specifications');
  await workbench.told('specifications, prompts and code to scripted/scripted-b');
  await workbench.ready('pass');

  await workbench.file('FEAT-004');
  await workbench.command('ckit: Generate a Specification');
  await workbench.answer('Members can pause notices while they travel.');
  await page.locator('.view-lines', { hasText: 'Half a sentence' }).waitFor();
  const list = page.locator('.notifications-center');
  await page.locator('.statusbar-item[id="status.notifications"]').click();
  const running = list.locator('.notification-list-item', { hasText: 'Writing a specification' });
  await running.waitFor();
  await workbench.shot('running');
  await running.locator('.monaco-button', { hasText: 'Cancel' }).click();
  await running.waitFor({ state: 'detached' });
  await workbench.tab('Specification of FEAT-004').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await workbench.ready('pass');
  await workbench.idle();
  seen.stopped = 0;

  await workbench.command('ckit: Models');
  await workbench.pick('offline');
  await page.locator('.quick-input-title', { hasText: 'Models of offline' }).waitFor();
  await workbench.pick('offline');
  await workbench.pick('For specifications');
  await workbench.told('specifications, prompts and code to offline/offline');
  await workbench.ready('pass');
}

/** Keys go into the storage for secrets, by a name. */
async function keep() {
  await workbench.command('ckit: Set a Key');
  await workbench.pick('Another one');
  await workbench.answer('client:my-openai');
  await page.locator('.quick-input-widget:visible input[type="password"]').waitFor();
  await workbench.answer('sk-0123456789abcdef');
  await workbench.told('client:my-openai is stored.');
  for (const name of ['client:my-openai', 'client:scripted']) {
    await workbench.command('ckit: Delete a Key');
    await workbench.pick(name);
    await workbench.told(`${name} is deleted.`);
  }
  await workbench.command('ckit: Delete a Key');
  await workbench.told('ckit stores no key.');
}

/** A script of the repository runs once the person has seen its command line. */
async function runScript() {
  await workbench.command('ckit: Run a Pipeline');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'ckit validate' }).click();
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  seen.script = (await dialog.locator('.dialog-message-detail').innerText()).split('\n')[0];
  await dialog.locator('.monaco-button', { hasText: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  await workbench.command('ckit: Run a Pipeline');
  await page
    .locator('.quick-input-list .monaco-list-row', { has: page.locator('.codicon-play') })
    .first()
    .click();
  await workbench.tab('.json').waitFor();
}

async function draw() {
  await workbench.command('ckit: Show the Graph');
  const inside = await workbench.inside('graph');
  await inside.locator('.canvas canvas').first().waitFor();
  const nodes = () => inside.evaluate(() => document.querySelector('.canvas')._cyreg.cy.nodes(':visible').length);
  await inside.waitForFunction(() => document.querySelector('.canvas')._cyreg?.cy.nodes().length > 0);
  seen.nodes = await nodes();
  await inside.locator('.filters label', { hasText: 'task' }).locator('input').uncheck();
  seen.filtered = await nodes();
  await inside.locator('.filters label', { hasText: 'task' }).locator('input').check();
  await workbench.command('ckit: Impact of an Entity in the Graph');
  await workbench.pick('FEAT-003');
  await inside.locator('.status', { hasText: 'FEAT-003' }).waitFor();
  const stale = () => inside.evaluate(() => document.querySelector('.canvas')._cyreg.cy.nodes('.stale').length);
  seen.reached = await workbench.until(stale, 'what a change reaches');
  await workbench.shot('graph');
  // What changes is drawn anew below the eyes of a person who has zoomed.
  const before = await inside.evaluate(() => {
    const { cy } = document.querySelector('.canvas')._cyreg;
    cy.zoom(cy.zoom() * 1.5);
    cy.scratch('before', true);
    document.body.classList.add('redrawn');
    return [cy.zoom(), cy.pan()];
  });
  await inside.waitForFunction(() => !document.querySelector('.canvas')._cyreg.cy.scratch('before'));
  await inside.waitForFunction(() => document.querySelector('.canvas')._cyreg.cy.nodes('.stale').length > 0);
  const after = await inside.evaluate(() => {
    const { cy } = document.querySelector('.canvas')._cyreg;
    return [cy.zoom(), cy.pan()];
  });
  seen.kept = JSON.stringify(before) === JSON.stringify(after);
  await inside.evaluate(() => document.querySelector('.canvas')._cyreg.cy.fit());
  const place = await inside.evaluate(() => {
    const { x, y } = document.querySelector('.canvas')._cyreg.cy.$id('SPEC-004').renderedPosition();
    return { x, y };
  });
  await inside.locator('.canvas').click({ position: place });
  await workbench.tab('SPEC-004').waitFor();
  seen.opened = true;
}

async function specify() {
  await workbench.file('FEAT-004');
  await workbench.command('ckit: Generate a Specification');
  await workbench.answer('Members can pause notices while they travel.');
  const chat = await workbench.inside('chat');
  await chat.locator('.approval:not(.answered) .allowOnce').waitFor();
  await workbench.tab('ckit proposes').waitFor();
  await page.locator('.multiDiffEntry, .diffEditor').first().waitFor();
  await workbench.status.filter({ hasText: 'ckit asks' }).waitFor();
  await workbench.shot('spec');
  seen.unwritten = textOf('specs', 'SPEC-008') === '';
  await chat.locator('.approval:not(.answered) .allowOnce').click();
  await workbench.tab('SPEC-008-').waitFor();
  await workbench.tab('ckit proposes').waitFor({ state: 'detached' });
  seen.spec = textOf('specs', 'SPEC-008').startsWith('id: SPEC-008');
  await tree.locator('.monaco-list-row', { hasText: 'spec' }).filter({ hasText: '8' }).first().waitFor();
}

async function converse() {
  const chat = await workbench.inside('chat');
  const say = async (text) => {
    await chat.locator('textarea').fill(text);
    await chat.locator('textarea').press('Enter');
  };
  await say('What breaks if FEAT-001 changes?');
  await chat.locator('.tool.ok').first().waitFor();
  await chat.locator('.end').waitFor();
  await say('Set status of T-009 to done');
  await workbench.tab('ckit proposes').waitFor();
  await chat.locator('.approval .diff .added').last().waitFor();
  await workbench.shot('approval');
  // The other way to answer: above the diff itself.
  await page.locator('.editor-actions a[aria-label^="Allow This Change"]').click();
  await workbench.tab('ckit proposes').waitFor({ state: 'detached' });
  await chat.locator('.chat:not(.running)').waitFor();
  seen.allowed = /^status: done/m.test(textOf('tasks', 'T-009'));

  await say('Set status of T-008 to done');
  await workbench.tab('ckit proposes').waitFor();
  await chat.locator('.composer button', { hasText: 'Stop' }).click();
  await chat.locator('.chat:not(.running)').waitFor();
  await chat.locator('.end', { hasText: 'cancelled' }).waitFor();
  await workbench.tab('ckit proposes').waitFor({ state: 'detached' });
  await workbench.ready('pass');
  seen.withdrawn = await chat.locator('.approval.answered').last().innerText();
  seen.cancelled = await chat.locator('.end').last().innerText();
  seen.spinning = await chat.locator('.running, .approval:not(.answered)').count();
  await workbench.idle();
  seen.untouched = !/^status: done/m.test(textOf('tasks', 'T-008'));
  await workbench.shot('cancelled');
}

/** The other theme: everything is drawn anew in its colors. */
async function lighten() {
  await workbench.command('Preferences: Toggle between Light/Dark Themes');
  await page.locator('.monaco-workbench.vs').waitFor();
  const chat = await workbench.inside('chat');
  await chat.locator('.tool summary').first().click();
  await workbench.shot('light-chat');
  await workbench.command('ckit: Show the Graph');
  const graph = await workbench.inside('graph');
  await graph.locator('.status button', { hasText: 'Show all' }).click();
  await graph.waitForFunction(() => document.querySelector('.canvas')._cyreg.cy.nodes('.faded').length === 0);
  await workbench.command('Ask: Focus on Ask View');
  await (await workbench.inside('ask')).locator('.answer').waitFor();
  await workbench.shot('light-graph');
  await workbench.command('ckit: Get Started');
  await page.locator('.gettingStartedContainer .step-title').first().waitFor();
  // The daemon runs, so that there is nothing to install.
  await page.locator('.getting-started-step', { hasText: 'Install the daemon' }).locator('.codicon.complete').waitFor();
  seen.ticked = true;
  await workbench.shot('light-walkthrough');
}

await workbench.tell(seen, [trust, mend, search, look, useModel, ask, draw, specify, converse, keep, runScript, lighten]);

// A person leads conversations in VS Code's window; what was seen goes to standard output as JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from './workbench.mjs';

const options = JSON.parse(process.argv[2]);
const seen = {};
const workbench = await open(options);
const { page } = workbench;
let chat;

function statusOf(id) {
  const folder = join(options.folder, 'contexts', 'tasks');
  const text = readFileSync(join(folder, readdirSync(folder).find((name) => name.startsWith(id))), 'utf8');
  return /^status: (\S+)/m.exec(text)[1];
}

async function say(text) {
  await chat.locator('.composer textarea').fill(text);
  await chat.locator('.composer textarea').press('Enter');
}

const ended = (turns) => chat.locator(`.chat:not(.running) .end >> nth=${turns - 1}`).waitFor();

/** The selected lines and an entity go with a message. */
async function attach() {
  await workbench.load();
  await workbench.ready('pass');
  await workbench.file('T-010');
  await page.locator('.monaco-editor .view-line', { hasText: 'id:' }).first().click();
  await page.keyboard.press('Control+Home');
  for (let line = 0; line < 2; line += 1) await page.keyboard.press('Shift+ArrowDown');
  await page.locator('.statusbar-item', { hasText: 'selected' }).waitFor();
  await workbench.command('ckit: New Conversation');
  chat = await workbench.inside('chat');
  const input = chat.locator('.attach input');
  const choose = async (text, row) => {
    await chat.locator('.tools button').click();
    await input.fill(text);
    await chat.locator('.options li', { hasText: row }).first().waitFor();
    await workbench.shot('attach');
    await input.press('Enter');
  };
  // A key is asked for when the person wants the models that need it, and not before.
  const model = chat.locator('select[aria-label="Model"]');
  const password = page.locator('.quick-input-widget:visible input[type="password"]');
  await chat.locator('.composer textarea').click();
  await model.locator('option', { hasText: 'Ask mine' }).waitFor({ state: 'attached' });
  seen.unasked = await password.count();
  await model.selectOption('?mine');
  await password.waitFor();
  await workbench.answer(options.key);
  await model.locator('option[value="mine/scripted"]').waitFor({ state: 'attached' });
  await model.selectOption('mine/scripted');
  await choose('', 'Selected lines');
  await choose('catalogue', 'FEAT-002');
  await chat.locator('select[aria-label="Mode"]').selectOption('improvement');
  await say('What is this about?');
  await ended(1);
  seen.end = await chat.locator('.end').innerText();
  await model.selectOption('');
  seen.attached = await chat.locator('.message.person .chip').allInnerTexts();
}

/** A question is answered with other arguments than those asked about. */
async function edit() {
  await chat.locator('select[aria-label="Mode"]').selectOption('general');
  await say('Set status of T-009 to done');
  const question = chat.locator('.approval:not(.answered)');
  await question.locator('.diff .added').waitFor();
  await workbench.shot('question');
  await question.locator('button', { hasText: 'Edit…' }).click();
  const text = await question.locator('textarea').inputValue();
  await question.locator('textarea').fill('{}');
  await question.locator('.allowOnce').click();
  await question.locator('.problem:not(:empty)').waitFor();
  seen.refused = await question.locator('.problem').innerText();
  await workbench.shot('edit');
  await question.locator('textarea').fill(text.replace('"done"', '"needs-review"'));
  await question.locator('.allowOnce').click();
  await ended(2);
  seen.edited = statusOf('T-009');
  await workbench.ready('pass');
}

/** A conversation is shown as a document, and found again after the window was closed and opened. */
async function comeBack() {
  await chat.locator('.bar .menu summary').click();
  await chat.locator('.bar .menu button', { hasText: 'Export' }).click();
  await workbench.tab('What is this about').waitFor();
  seen.title = await chat.locator('.bar h2').innerText();
  await workbench.command('Preferences: Toggle between Light/Dark Themes');
  await page.locator('.monaco-workbench.vs').waitFor();
  await workbench.shot('light-question');
  await workbench.command('Revert and Close Editor');
  await workbench.load();
  await workbench.ready('pass');
  await workbench.command('ckit: Go on with a Conversation');
  chat = await workbench.inside('chat');
  const row = chat.locator('.conversations .row');
  await row.first().waitFor();
  await workbench.shot('earlier');
  await row.first().click();
  await ended(2);
  seen.again = await chat.locator('.bar h2').innerText();
}

await workbench.tell(seen, [attach, edit, comeBack]);

// Drives the conversations of the application, and looks each time at what the daemon has. Arguments as for story.cjs;
// what was seen goes to standard output as JSON.
const { join } = require('path');
const { existsSync, readdirSync, readFileSync } = require('fs');
const { killDaemon, start, tell, until } = require('./application.cjs');

const [electron, tools, repository, shots] = process.argv.slice(2);
const seen = {};
let app, page, problems;
let ids = 1000000;

/** Asks the daemon behind the page, by the page's own narrow way. */
async function daemon(method, params) {
  const answer = await page.evaluate(([id, ...rest]) => window.ckit.request(id, ...rest), [++ids, method, params]);
  if (!answer.ok) throw new Error(`${method}: ${answer.message}`);
  return answer.result;
}

function statusOf(id) {
  const folder = join(repository, 'contexts', 'tasks');
  const text = readFileSync(join(folder, readdirSync(folder).find((name) => name.startsWith(id))), 'utf8');
  return /^status: (\S+)/m.exec(text)[1];
}

async function open() {
  ({ app, page, problems } = await start(electron, tools, repository));
  await page.waitForSelector('.state.running');
  await page.waitForSelector('[data-id="T-010"]');
  await page.click('[data-panel="Chat"]');
}

async function say(text) {
  await page.fill('.composer textarea', text);
  await page.press('.composer textarea', 'Enter');
}

/** Waits until so many turns of the open conversation have ended, and none is interrupted. */
async function ended(turns) {
  await until(async () => {
    const ends = await page.$$eval('.chat:not(.running) .end', (all) => all.map((each) => each.textContent));
    return ends.filter((each) => !each.endsWith('interrupted')).length === turns;
  });
}

const sessionId = () => page.getAttribute('.chat', 'data-session');
const session = async () => daemon('ckit/session/get', { id: await sessionId() });
const titles = () => page.$$eval('.conversations .row .title', (rows) => rows.map((row) => row.textContent));
const question = '.approval:not(.answered)';

async function choose(row, action) {
  const menu = row === undefined ? '.bar .menu' : `.conversations li:nth-child(${row}) .menu`;
  await page.click(`${menu} summary`);
  await page.click(`${menu} button >> text=${action}`);
}

async function shot(name) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
  }
}

/** Mode, model, what is attached, and what it took. */
async function chooseAndAttach() {
  await page.click('.composer textarea');
  await page.waitForSelector('select[aria-label="Model"] option[value="mine/scripted"]', { state: 'attached' });
  seen.models = await page.$$eval('select[aria-label="Model"] option', (all) => all.map((each) => each.textContent));
  seen.offered = await page.$$eval('select[aria-label="Model"] option:not([disabled])', (all) => all.map((each) => each.value));
  await page.click('.composer >> text=Attach');
  await page.fill('.attach input', 'catalogue');
  await page.waitForSelector('.options code >> text=FEAT-002');
  await shot('attach');
  await page.press('.attach input', 'ArrowDown');
  await page.press('.attach input', 'Enter');
  await page.click('.composer >> text=Attach');
  await page.fill('.attach input', 't-010');
  await page.waitForSelector('.options code >> text=T-010');
  await page.press('.attach input', 'Enter');
  await page.waitForSelector('.composer .chip >> text=SPEC-003');
  await page.click('.composer .chip button[aria-label="Take T-010 off"]');
  await page.selectOption('select[aria-label="Model"]', 'mine/scripted');
  await page.selectOption('select[aria-label="Mode"]', 'clarification');
  await say('What does it need?');
  await ended(1);
  const { session: own, items, turns } = await session();
  const [message] = items.filter(({ kind }) => kind === 'userMessage');
  seen.turn = { mode: turns[0].mode, model: turns[0].model, attachments: message.attachments };
  seen.shown = await page.textContent('.message.person .chip');
  seen.left = await page.$$eval('.composer .chip', (chips) => chips.length);
  seen.usage = { ...turns[0].usage, shown: await page.textContent('.end') };
  seen.title = [await page.textContent('.bar h2'), own.title];
  // Back to the default, which a conversation with a model of its own gets by name.
  await page.selectOption('select[aria-label="Model"]', '');
  await page.selectOption('select[aria-label="Mode"]', 'general');
}

/** What would be written is edited, then refused with a reason. */
async function answerQuestions() {
  await say('Set status of T-009 to done');
  await page.waitForSelector(`${question} .diff .added`);
  const { approvals } = await daemon('ckit/approval/list', { sessionId: await sessionId() });
  seen.until = [await page.getAttribute(`${question} time`, 'datetime'), approvals[0].expiresAt];
  seen.back = (await session()).turns[1].model;
  await shot('approval');
  await page.click(`${question} >> text=Edit…`);
  const text = await page.inputValue(`${question} textarea`);
  const refused = async (edited, before) => {
    await page.fill(`${question} textarea`, edited);
    await page.click(`${question} .allowOnce`);
    const said = () => page.textContent(`${question} .problem`);
    await until(async () => !['', before].includes(await said()));
    return said();
  };
  seen.broken = await refused('{"action": ');
  seen.wrong = await refused('{"action": "update", "colour": "red"}', seen.broken);
  await shot('edit');
  await page.fill(`${question} textarea`, text.replace('"done"', '"needs-review"'));
  await page.click(`${question} .allowOnce`);
  await ended(2);
  seen.edited = statusOf('T-009');

  await say('Set status of T-008 to done');
  await page.click(`${question} >> text=Deny with a reason`);
  await page.fill(`${question} textarea`, 'Not before Friday');
  await page.click(`${question} .deny`);
  await ended(3);
  const all = await daemon('ckit/approval/list', { sessionId: await sessionId(), state: null });
  seen.answers = all.approvals.map(({ state, note }) => [state, note]);
  seen.untouched = statusOf('T-008');
  await choose(undefined, 'Compact');
  await ended(4);
  seen.compacted = (await session()).items.filter(({ kind }) => kind === 'compaction').length;
  await shot('talk');
}

/** Conversations are found, renamed, copied, exported, put away and deleted. */
async function keepOrder() {
  await page.click('.bar >> text=New');
  await say('Where are holds kept?');
  await ended(1);
  await page.click('.bar >> text=Earlier');
  await page.waitForSelector('.conversations li:nth-child(2)');
  seen.listed = await titles();
  await choose(2, 'Rename');
  await page.fill('dialog input', 'About T-009');
  await page.click('dialog .primary');
  await page.waitForSelector('.conversations .title >> text=About T-009');
  await page.fill('.filter input[type=search]', 'about t-');
  await page.waitForSelector('.conversations li:nth-child(2)', { state: 'detached' });
  seen.found = await titles();
  await shot('earlier');
  const path = join(repository, '..', 'exported.md');
  // The system's own dialog can't be driven; what it returns is where the person wants the file.
  await app.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = async (_window, { defaultPath }) => {
      global.suggested = defaultPath;
      return { canceled: false, filePath };
    };
  }, path);
  await choose(1, 'Export');
  await until(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'));
  seen.suggested = await app.evaluate(() => global.suggested);
  seen.exported = readFileSync(path, 'utf8').includes('Not before Friday');
  await choose(1, 'Fork');
  await ended(4);
  const copy = await session();
  seen.forked = [copy.session.title, copy.session.forkedFrom !== undefined];
  await choose(undefined, 'Archive');
  await page.waitForSelector('.notice >> text=archived');
  await page.click('.bar >> text=Earlier');
  await page.waitForSelector('.conversations li:nth-child(2)');
  seen.away = await titles();
  await page.click('.filter label');
  await page.waitForSelector('.conversations .row[aria-current="true"]');
  await page.keyboard.press('Escape');
  await page.click('.notice button');
  await page.waitForSelector('.notice:empty', { state: 'attached' });
  seen.fetched = (await session()).session.archived ?? false;
  const gone = await sessionId();
  await choose(undefined, 'Delete');
  await page.click('dialog >> text=Cancel');
  seen.kept = (await session()).session.id === gone;
  await choose(undefined, 'Delete');
  await page.click('dialog .deny');
  await page.waitForSelector('.chat[data-session=""]');
  seen.deleted = !(await daemon('ckit/session/list', {})).sessions.some(({ id }) => id === gone);
}

/** The daemon dies with a question open: its answer goes on with the turn. What is cancelled meanwhile stays so. */
async function goOn() {
  await say('Set status of T-010 to blocked');
  await page.waitForSelector(question);
  await killDaemon(app, page);
  seen.early = await page.evaluate(() => {
    const answer = window.ckit.request(1, 'ckit/repo/list', {});
    window.ckit.cancel(1);
    return answer;
  });
  await page.waitForSelector('.notice >> text=interrupted');
  await shot('interrupted');
  seen.interrupted = (await session()).turns.map(({ status }) => status);
  await page.click(`${question} .allowOnce`);
  await ended(1);
  seen.resumed = [statusOf('T-010'), (await session()).turns.map(({ status }) => status)];
}

/** The application dies with its daemon: the next one goes on with the conversation, and asks again. */
async function comeBack() {
  await say('Set status of T-011 to blocked');
  await page.waitForSelector(question);
  const id = await sessionId();
  const pids = await app.evaluate(() => [global.ckitDaemonPid(), process.pid]);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await open();
  await page.click('.bar >> text=Earlier');
  await page.click('.conversations .row >> text=T-010');
  await page.waitForSelector('.notice >> text=interrupted');
  seen.same = (await sessionId()) === id;
  // The question of before goes on with the turn by itself; this is about the one that the turn asks again.
  await page.$eval(question, (card) => card.classList.add('former'));
  await page.click('.notice button');
  await page.click(`.chat.running ${question}:not(.former) .allowOnce`);
  await ended(2);
  seen.again = [statusOf('T-011'), (await session()).turns.map(({ status }) => status)];
}

async function leave() {
  seen.problems = problems;
  await app.close();
}

tell(seen, [open, chooseAndAttach, answerQuestions, keepOrder, goOn, comeBack, leave], shots, () => page);

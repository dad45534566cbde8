// Drives the application where something is refused, missing or dies, and where several things happen at once. Arguments:
// Electron's program, folder of playwright-core, repository, folder for screenshots; beside the repository lies `other`,
// another one, and `empty`, which is none. What was seen goes to standard output as JSON.
const { join } = require('path');
const { readdirSync, readFileSync, symlinkSync, writeFileSync } = require('fs');
const { start, tell, until } = require('./application.cjs');

const [electron, tools, repository, shots] = process.argv.slice(2);
const seen = {};
let app, page, problems;
let ids = 1000000;

const ask = (method, params) => page.evaluate(([id, ...rest]) => window.ckit.request(id, ...rest), [++ids, method, params]);
const daemonPid = () => app.evaluate(() => global.ckitDaemonPid());
const trouble = async (part) => (await page.waitForSelector(`.trouble >> text=${part}`)).textContent();
const question = '.approval:not(.answered)';

function gone(pid) {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

async function open() {
  ({ app, page, problems } = await start(electron, tools, repository));
  await page.waitForSelector('.state.running');
  await page.waitForSelector('[data-id="T-010"]');
}

/** The page gets no window, no method and no file that it does not need. */
async function stayInside() {
  seen.denied = (await ask('ckit/rag/clear', {})).code;
  // A real window would be stopped by the driver of this test before the application could refuse it.
  seen.kept = await app.evaluate(({ BrowserWindow }) => {
    const kept = [];
    const [{ webContents }] = BrowserWindow.getAllWindows();
    for (const name of ['new-window', 'will-navigate', 'will-attach-webview']) {
      webContents.emit(name, { preventDefault: () => kept.push(name) }, 'https://example.org/');
    }
    return [...new Set(kept)];
  });
  await app.evaluate(({ shell }) => {
    global.opened = [];
    shell.openPath = async (path) => {
      global.opened.push(path);
      return global.opened.length > 1 ? 'There is no such program.' : '';
    };
  });
  writeFileSync(join(repository, 'run.sh'), 'echo\n');
  symlinkSync('/etc/hostname', join(repository, 'name.md'));
  const files = ['run.sh', 'name.md', '../other/README.md', 'nowhere.md', 'README.md'];
  seen.files = [];
  for (const file of files) seen.files.push((await page.evaluate((path) => window.ckit.openFile(path), file)).ok);
  await page.click('[data-id="T-010"]');
  await page.click('text=Open file');
  seen.unopened = await trouble('There is no such program.');
  seen.opened = await app.evaluate(() => global.opened.length);
}

/** Lists that come in several answers are shown to their ends; here every answer holds one item. */
async function readOn() {
  await app.evaluate(({ ipcMain }) => {
    global.answer = ipcMain._invokeHandlers.get('request');
    ipcMain._invokeHandlers.set('request', (event, id, method, { limit, ...params }) =>
      global.answer(event, id, method, limit === undefined ? params : { ...params, limit: 1 }),
    );
  });
  const tasks = join(repository, 'contexts', 'tasks');
  const file = join(tasks, readdirSync(tasks).find((name) => name.startsWith('T-011')));
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^status: .*$/m, 'status: nowhere'));
  await page.waitForSelector('[data-id="T-011"] .badge');
  seen.listed = await page.$$eval('.row', (rows) => [rows.length, rows.filter((row) => row.querySelector('.badge')).length]);
  await page.click('[data-panel="Chat"]');
  await page.click('.composer >> text=Attach');
  await page.fill('.attach input', 't-011');
  await page.waitForSelector('.options code >> text=T-011');
  await page.click('.composer >> text=Attach');
  await page.click('[data-panel="Entities"]');
  await app.evaluate(({ ipcMain }) => ipcMain._invokeHandlers.set('request', global.answer));
}

/** A fix that the daemon does not live to make says so. */
async function mend() {
  await page.click('[data-id="FEAT-001"]');
  await page.waitForSelector('.finding .fix');
  const pid = await daemonPid();
  process.kill(pid, 'SIGSTOP');
  await page.click('.finding .fix');
  process.kill(pid, 'SIGKILL');
  seen.unmended = await (await page.waitForSelector('.finding .problem:not(:empty)')).textContent();
  await page.waitForSelector('.state:not(.running)');
  await page.waitForSelector('.state.running');
  await page.waitForSelector('.trouble:empty', { state: 'attached' });
}

/** A question that another one has overtaken leaves no word in its place; one can be stopped. */
async function askTwice() {
  await page.click('[data-panel="Ask"]');
  const put = async (text) => {
    await page.fill('.ask input', text);
    await page.press('.ask input', 'Enter');
  };
  await put('How long does an item wait on the hold shelf?');
  await page.waitForSelector('.ask button >> text=Stop');
  await put('Who may renew?');
  // What comes after the end of the first one has come after it to the page, too.
  for (let turn = 0; turn < 3; turn += 1) await ask('ckit/repo/list', {});
  seen.looking = await page.textContent('.answer');
  await page.press('.ask input', 'Escape');
  await page.waitForSelector('.answer >> text=Stopped.');
  seen.stoppable = await page.isVisible('.ask button >> text=Stop');
}

/** What waits for an answer is seen whatever the chat shows, and goes on to wait when another conversation begins. */
async function keepQuestions() {
  await page.click('[data-panel="Chat"]');
  await page.click('.bar >> text=Earlier');
  await page.click('[data-panel="Entities"]');
  await page.click('[data-id="FEAT-004"]');
  await page.click('text=Write a spec');
  await page.click('.spec .allowOnce');
  await page.waitForSelector(`${question} .allowOnce`);
  await page.click('.bar >> text=New');
  await page.screenshot({ path: join(shots, 'waiting.png') });
  await page.click(`${question} .deny`);
  seen.unsaved = await (await page.waitForSelector('.spec .problem')).textContent();
  seen.unwritten = readdirSync(join(repository, 'contexts', 'specs')).every((name) => !name.startsWith('SPEC-008'));
}

/** Another folder is another start: nothing of the one before is left. */
async function changeFolder() {
  const choose = (name) =>
    app.evaluate(({ dialog }, path) => {
      dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [path] });
    }, join(repository, '..', name));
  await page.click('[data-panel="Entities"]');
  await choose('other');
  await page.click('header >> text=Open…');
  await page.waitForSelector('[data-id="T-077"]');
  seen.folder = await page.textContent('header span.muted');
  seen.left = await page.$$eval('.detail h2, .spec h2', (all) => all.length);
  await choose('empty');
  await page.click('header >> text=Open…');
  seen.empty = await trouble('no context repository');
  await page.screenshot({ path: join(shots, 'empty.png') });
  await choose('other');
  await page.click('header >> text=Open…');
  await page.waitForSelector('[data-id="T-077"]');
}

/** Ends the process of the page as the operating system would; what is returned says whether there is another one. */
async function killPage() {
  const pidOf = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0].webContents.getOSProcessId());
  const pid = await pidOf();
  process.kill(pid, 'SIGKILL');
  return async () => ![0, pid].includes(await pidOf());
}

/** Runs something in the page; to the driver of this test one whose process was ended is lost for good. */
function inPage(code) {
  const run = ({ BrowserWindow }, source) => BrowserWindow.getAllWindows()[0].webContents.executeJavaScript(source);
  return app.evaluate(run, code);
}

/** A page whose process dies is loaded again, at once the first time, and then where the person says so. */
async function losePage() {
  const { session } = (await ask('ckit/session/create', {})).result;
  const turn = { sessionId: session.id, text: 'Set status of T-010 to blocked', model: 'offline/offline' };
  ask('ckit/turn/start', turn).catch(() => undefined);
  const waiting = ({ result }) => result.approvals.length;
  await until(async () => waiting(await ask('ckit/approval/list', {})) === 1);
  await until(await killPage());
  const isThere = () => inPage(`document.querySelector('[data-id="T-077"]') !== null`);
  await until(isThere);
  seen.revived = await inPage(`document.querySelector('.trouble').textContent`);
  // Nobody would ever hear of the end of the turn.
  await until(async () => waiting(await inPage(`window.ckit.request(1000001, 'ckit/approval/list', {})`)) === 0);

  const [daemon, main] = await app.evaluate(({ dialog }) => {
    global.asked = [];
    dialog.showMessageBox = async (_owner, { message, buttons }) => {
      global.asked.push([message, ...buttons]);
      return { response: global.asked.length - 1 };
    };
    return [global.ckitDaemonPid(), process.pid];
  });
  await until(await killPage());
  await until(isThere);
  seen.asked = await app.evaluate(() => global.asked);
  await killPage();
  await until(() => gone(daemon));
  seen.quit = true;
  // It has ended but for the debugger of this test, for which it waits.
  process.kill(main, 'SIGKILL');
}

/** The daemon goes with the application, however that ends. */
async function die() {
  const [daemon, main] = await app.evaluate(() => [global.ckitDaemonPid(), process.pid]);
  process.kill(main, 'SIGKILL');
  await until(() => gone(daemon));
  seen.ended = true;
}

/** Where there is no daemon, the window says what to do. */
async function miss() {
  process.env.CKIT_DAEMON = JSON.stringify(['/nowhere/ckit-daemon']);
  ({ app, page } = await start(electron, tools, repository));
  seen.missing = await trouble('Install it');
  seen.problems = problems;
  await page.screenshot({ path: join(shots, 'missing.png') });
  await app.close();
}

const steps = [open, stayInside, readOn, mend, askTwice, keepQuestions, changeFolder, losePage, open, die, miss];
tell(seen, steps, shots, () => page);

// Starts the application as tests drive it.
const { join } = require('path');

/** Only what hangs takes as long, also on a busy machine. */
const DEADLINE_MS = 180000;

/** Opens the application on a repository, with what its page complains about. */
async function start(electron, tools, repository) {
  const { _electron } = require(join(tools, 'node_modules', 'playwright-core'));
  const app = await _electron.launch({
    executablePath: electron,
    args: ['--no-sandbox', '--disable-gpu', join(__dirname, '..')],
    env: { ...process.env, CKIT_FOLDER: repository },
    timeout: DEADLINE_MS,
  });
  const page = app.windows()[0] || (await app.waitForEvent('window', { timeout: DEADLINE_MS }));
  page.setDefaultTimeout(DEADLINE_MS);
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  return { app, page, problems };
}

/** Waits for something; the page's policy lets nothing in it wait for a condition that is more than a selector. */
async function until(holds) {
  for (const late = Date.now() + DEADLINE_MS; !(await holds()); await new Promise((wake) => setTimeout(wake, 20))) {
    if (Date.now() > late) throw new Error(`It never came about: ${holds}`);
  }
}

/** Ends the daemon as the operating system would, and waits until the page has seen it. */
async function killDaemon(app, page) {
  const pid = await app.evaluate(() => global.ckitDaemonPid());
  // What comes after the daemon may be there again before anybody looks.
  await page.evaluate(() => {
    window.ckit.onState(({ name }) => {
      if (name !== 'running') document.body.setAttribute('data-fallen', name);
    });
  });
  process.kill(pid, 'SIGKILL');
  await page.waitForSelector('body[data-fallen]');
  return pid;
}

/** Goes through steps, and prints what was seen as JSON; of a step that fails there is a picture. */
async function tell(seen, steps, shots, look) {
  try {
    for (const step of steps) {
      const began = Date.now();
      seen.step = step.name;
      await step();
      console.error(step.name, Date.now() - began, 'ms');
    }
    seen.step = 'end';
  } catch (error) {
    const page = look();
    if (page) await page.screenshot({ path: join(shots, 'failure.png') }).catch(() => undefined);
    console.error(error, JSON.stringify(seen));
    process.exit(1);
  }
  console.log(JSON.stringify(seen));
}

module.exports = { killDaemon, start, tell, until };

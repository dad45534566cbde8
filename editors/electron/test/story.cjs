// Drives the application as a person would, in a real Electron, and writes what it saw as JSON to standard output.
// Arguments: Electron's program, folder of playwright-core, repository, folder for screenshots.
const { join } = require('path');
const { readdirSync, readFileSync } = require('fs');
const { killDaemon, start, until } = require('./application.cjs');

const [electron, tools, repository, shots] = process.argv.slice(2);
const seen = {};

function textOf(kind, id) {
  const folder = join(repository, 'contexts', kind);
  return readFileSync(join(folder, readdirSync(folder).find((name) => name.startsWith(id))), 'utf8');
}

async function main() {
  const { app, page, problems } = await start(electron, tools, repository);

  // A narrow bridge and no Node in the page.
  seen.isolated = await page.evaluate(() => ({
    require: typeof window.require,
    process: typeof window.process,
    api: Object.keys(window.ckit).sort(),
  }));
  seen.refused = await page.evaluate(() => window.ckit.request(1, 'ckit/pipeline/run', { name: 'generate' }));

  // A planted fault, mended by its fix.
  await page.waitForSelector('.state.running');
  await page.click('[data-id="FEAT-001"]');
  await page.waitForSelector('.finding');
  seen.finding = await page.textContent('.finding span');
  await page.screenshot({ path: join(shots, 'entities.png') });
  await page.click('.finding .fix');
  await page.waitForSelector('.finding', { state: 'detached' });
  seen.mended = /^status: in-progress$/m.test(textOf('features', 'FEAT-001'));

  // The graph, with what a change reaches.
  await page.click('[data-panel="Graph"]');
  await page.waitForSelector('.canvas canvas');
  const nodes = () => page.evaluate(() => document.querySelector('.canvas')._cyreg.cy.nodes().length);
  await until(async () => (await nodes()) > 0);
  await page.screenshot({ path: join(shots, 'graph.png') });

  // A question, and the place that answers it.
  await page.click('[data-panel="Ask"]');
  await page.fill('.ask input', 'How long does an item wait on the hold shelf?');
  await page.click('.ask button[type=submit]');
  await page.waitForSelector('.sources li');
  await page.screenshot({ path: join(shots, 'ask.png') });
  seen.sources = await page.$$eval('.sources .link', (links) => links.length);
  await page.click('.answer .citation');
  await page.waitForSelector('.line.here');
  seen.cited = (await page.textContent('.line.here')).trim();

  // A change in a conversation: denied, then allowed.
  await page.click('[data-panel="Chat"]');
  const say = async (text) => {
    await page.fill('.chat textarea', text);
    await page.press('.chat textarea', 'Enter');
  };
  await say('Set status of T-009 to done');
  await page.waitForSelector('.approval .diff .added');
  await page.screenshot({ path: join(shots, 'chat.png') });
  await page.click('.approval .deny');
  await page.waitForSelector('.chat:not(.running) .end');
  seen.denied = /^status: blocked/m.test(textOf('tasks', 'T-009'));
  await say('Set status of T-009 to done');
  await page.waitForSelector('.approval:not(.answered) .allowOnce');
  await page.click('.approval:not(.answered) .allowOnce');
  await page.waitForSelector('.chat:not(.running) .end ~ .end');
  seen.allowed = /^status: done/m.test(textOf('tasks', 'T-009'));

  // A turn that waits for an answer is stopped, and nothing goes on turning.
  await say('Set status of T-008 to done');
  await page.waitForSelector('.approval:not(.answered)');
  await page.press('.chat textarea', 'Escape');
  await page.waitForSelector('.chat:not(.running) .end ~ .end ~ .end');
  seen.cancelled = (await page.$$eval('.chat .end', (ends) => ends.map((end) => end.textContent))).pop();
  seen.untouched = !/^status: done/m.test(textOf('tasks', 'T-008'));

  // A specification, shown and then saved.
  await page.click('[data-panel="Entities"]');
  await page.click('[data-id="FEAT-004"]');
  await page.waitForSelector('.detail h2 >> text=FEAT-004');
  await page.click('text=Write a spec');
  await page.waitForSelector('.spec .allowOnce');
  await page.screenshot({ path: join(shots, 'spec.png') });
  await page.click('.spec .allowOnce');
  await page.waitForSelector('.approval:not(.answered) .allowOnce');
  await page.click('.approval:not(.answered) .allowOnce');
  await page.waitForSelector('[data-id="SPEC-008"].chosen');
  seen.spec = textOf('specs', 'SPEC-008').startsWith('id: SPEC-008');

  // The daemon dies: it comes back, and what was shown is there.
  const pid = await killDaemon(app, page);
  await page.waitForSelector('.state.running');
  await page.click('[data-id="FEAT-002"]');
  await page.waitForSelector('.detail h2 >> text=Search the catalogue');
  seen.restarted = (await app.evaluate(() => global.ckitDaemonPid())) !== pid;
  seen.problems = problems;
  await app.close();
}

main().then(
  () => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error, JSON.stringify(seen));
    process.exit(1);
  },
);

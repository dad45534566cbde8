// One of several hosts on a repository: says when it is ready, when it sees a title that another host has written, and
// then changes something itself. Arguments as for story.cjs, then the title.
const { start } = require('./application.cjs');

const [electron, tools, repository, title] = process.argv.slice(2);

async function main() {
  const { app, page } = await start(electron, tools, repository);
  await page.waitForSelector('[data-id="T-010"]');
  console.log('ready');
  await page.waitForSelector(`[data-id="T-010"] >> text=${title}`);
  console.log('seen');
  await page.click('[data-panel="Chat"]');
  await page.fill('.chat textarea', 'Set status of T-011 to done');
  await page.press('.chat textarea', 'Enter');
  await page.click('.approval .allowOnce');
  await page.waitForSelector('.chat:not(.running) .end');
  console.log('changed');
  await app.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Two repositories in one window; what was seen goes to standard output as JSON.
import { open } from './workbench.mjs';

const { workspace, ...options } = JSON.parse(process.argv[2]);
const workbench = await open(options);
workbench.address = `${options.url}/?${new URLSearchParams({ workspace })}`;
const { page } = workbench;
const seen = {};
try {
  await workbench.load();
  await workbench.ready('pass');
  await page.locator('.activitybar .action-item a[aria-label^="ckit"]').click();
  const rows = page.locator('.pane-body .customview-tree .monaco-list-row');
  await rows.filter({ hasText: 'lamp' }).waitFor();
  seen.repositories = await page.locator('.customview-tree .monaco-list-row[aria-level="1"]').allInnerTexts();
  const titles = [];
  for (const title of ['Light a lamp', 'Search the catalogue']) {
    // Both have an entity of this id; the graph is that of the repository in which the person works.
    await workbench.command('Go to Symbol in Workspace');
    const input = page.locator('.quick-input-widget:visible .quick-input-box input');
    await input.fill(`#${title}`);
    await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
    await workbench.active('FEAT-002');
    await workbench.command('ckit: Show the Graph');
    const inside = await workbench.inside('graph');
    await inside.waitForFunction(
      (wanted) => document.querySelector('.canvas')?._cyreg?.cy.$id('FEAT-002').data('label')?.endsWith(wanted),
      title,
    );
    titles.push(title);
  }
  seen.titles = titles;
} catch (error) {
  console.error(error);
  await workbench.shot('failure');
} finally {
  console.log(JSON.stringify(seen));
  await workbench.close();
}

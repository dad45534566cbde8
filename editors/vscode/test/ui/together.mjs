// One of several hosts on a repository: says when it is ready, and when it sees what the other two have written.
import { open } from './workbench.mjs';

const options = JSON.parse(process.argv[2]);
const workbench = await open(options);
const { page } = workbench;
try {
  await workbench.load();
  await workbench.status.waitFor();
  await page.locator('.activitybar .action-item a[aria-label^="ckit"]').click();
  const tree = page.locator('.pane-body .customview-tree');
  const tasks = tree.locator('.monaco-list-row[aria-level="1"]', { hasText: 'task' });
  await tasks.waitFor();
  if ((await tasks.getAttribute('aria-expanded')) !== 'true') await tasks.click();
  const row = (id) => tree.locator('.monaco-list-row', { hasText: id });
  await row('T-010').waitFor();
  console.log('ready');
  await row('T-010').filter({ hasText: options.title }).waitFor();
  console.log('seen');
} finally {
  await workbench.close();
}

// Starts the application as tests drive it.
const { join } = require('path');

/** Opens the application on a repository, with what its page complains about. */
async function start(electron, tools, repository) {
  const { _electron } = require(join(tools, 'node_modules', 'playwright-core'));
  const app = await _electron.launch({
    executablePath: electron,
    args: ['--no-sandbox', '--disable-gpu', join(__dirname, '..')],
    env: { ...process.env, CKIT_FOLDER: repository },
  });
  const page = await app.firstWindow();
  page.setDefaultTimeout(60000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  return { app, page, problems };
}

module.exports = { start };

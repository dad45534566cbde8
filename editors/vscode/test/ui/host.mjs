// Has VS Code run the tests that live inside its extension host, and ends with their exit code.
import { open } from './workbench.mjs';

const { url, extension, ...rest } = JSON.parse(process.argv[2]);
const remote = `vscode-remote://${new URL(url).host}${extension}`;
const workbench = await open({
  url,
  ...rest,
  payload: [
    ['extensionDevelopmentPath', remote],
    ['extensionTestsPath', `${remote}/dist/test/host/index.js`],
  ],
});
const ended = new Promise((resolve) => void workbench.page.exposeFunction('codeAutomationExit', resolve));
await workbench.page.exposeFunction('codeAutomationLog', (kind, values) => console.error(kind, ...values));
await workbench.load();
const code = await ended;
await workbench.close();
process.exit(code);

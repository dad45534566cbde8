// Drives the daemon as VS Code's language client does, with the libraries that it is made of, and prints what it saw.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import protocol from 'vscode-languageserver-protocol/node.js';
import { TextDocument } from 'vscode-languageserver-textdocument';

const [root, program, ...options] = process.argv.slice(2);
const seen = { registered: [], progress: [] };
const daemon = spawn(program, options, { stdio: ['pipe', 'pipe', 'inherit'] });
const ended = new Promise((resolve) => daemon.on('exit', resolve));
const rpc = protocol.createProtocolConnection(
  new protocol.StreamMessageReader(daemon.stdout), new protocol.StreamMessageWriter(daemon.stdin));
rpc.onRequest('client/registerCapability', ({ registrations }) => {
  seen.registered.push(...registrations.map((each) => each.method));
});
rpc.onProgress(new protocol.ProgressType(), 'portions', (items) => seen.progress.push(items.length));
rpc.listen();

const folder = { uri: pathToFileURL(root).href, name: 'example' };
const capabilities = {
  workspace: { workspaceEdit: { documentChanges: true }, didChangeWatchedFiles: { dynamicRegistration: true } },
  window: { workDoneProgress: true },
  general: { positionEncodings: ['utf-16'] },
};
const ckit = { protocolVersions: ['1.0'], trusted: true };
const { capabilities: server } = await rpc.sendRequest('initialize', {
  processId: process.pid, rootUri: folder.uri, workspaceFolders: [folder], capabilities, initializationOptions: { ckit },
});
seen.encoding = server.positionEncoding;
await rpc.sendNotification('initialized', {});
const codes = async () => (await rpc.sendRequest('ckit/repo/validate', {})).findings.map((finding) => finding.code);
seen.atFirst = await codes();

// Typing: two incremental changes in one notification, behind a character of two UTF-16 units.
const features = join(root, 'contexts', 'features');
const file = join(features, readdirSync(features).find((name) => name.startsWith('FEAT-001')));
const uri = pathToFileURL(file).href;
let document = TextDocument.create(uri, 'yaml', 1, readFileSync(file, 'utf8'));
await rpc.sendNotification('textDocument/didOpen', {
  textDocument: { uri, languageId: 'yaml', version: 1, text: document.getText() },
});
const line = document.positionAt(document.getText().indexOf('status: ')).line;
const contentChanges = [
  { range: { start: { line, character: 8 }, end: { line, character: 99 } }, text: '"😀" # 😀' },
  { range: { start: { line, character: 11 }, end: { line, character: 11 } }, text: 'x' },
];
document = TextDocument.update(document, contentChanges, 2);
await rpc.sendNotification('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges });
seen.afterTyping = await codes();
seen.sameText = (await rpc.sendRequest('ckit/file/read', {
  path: `contexts/features/${file.slice(features.length + 1)}`,
})).text === document.getText();

// An edit that the editor applies itself.
const { edit } = await rpc.sendRequest('ckit/entity/update', {
  id: 'FEAT-001', changes: [{ path: ['status'], value: 'done' }],
});
seen.isWorkspaceEdit = protocol.WorkspaceEdit.is(edit);
const [change] = edit.documentChanges;
seen.editedVersion = change.textDocument.version;
seen.editedLine = TextDocument.applyEdits(document, change.edits).split('\n')[line];

const list = await rpc.sendRequest('ckit/entity/list', { partialResultToken: 'portions' });
seen.streamed = list.entities.length === 0 && seen.progress.reduce((sum, count) => sum + count, 0) === list.total;

const source = new protocol.CancellationTokenSource();
// Building an index takes seconds, so that it does not end by itself.
const running = rpc.sendRequest('ckit/rag/index', {}, source.token);
source.cancel();
seen.cancelled = await running.then(() => 'answered', (error) => error.data.code);

await rpc.sendRequest('shutdown');
await rpc.sendNotification('exit');
seen.exitCode = await ended;
console.log(JSON.stringify(seen));

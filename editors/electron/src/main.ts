import { promises, realpathSync } from 'node:fs';
import { basename, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Approval, ApprovalRequestResult } from '@ckit/client';
import { CkitError, messageOf, Supervisor } from '@ckit/client';
import type { State } from '@ckit/client';
import { app, BrowserWindow, dialog, ipcMain, session, shell } from 'electron';
import type { IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron';
import { ALLOWED } from './channels';
import type { Allowed, Answer, DaemonState } from './channels';

let window: BrowserWindow | undefined;
let supervisor: Supervisor | undefined;
let folder = '';
/** How often the page has lost its process. */
let losses = 0;
const running = new Map<number, AbortController>();
const PAGE = join(__dirname, 'index.html');
/** What is opened with the program that the system has for it: texts, and nothing that would run. */
const TEXTS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.md']);

/** Methods whose answers are shown while they are written. */
const STREAMS: ReadonlySet<string> = new Set(['ckit/rag/query', 'ckit/spec/generate']);

/** The daemon's command line: a variable of the environment, or the program in PATH. */
function command(): [string, ...string[]] {
  const given = process.env['CKIT_DAEMON'];
  return given ? (JSON.parse(given) as [string, ...string[]]) : ['ckit-daemon'];
}

/** The folder that somebody has named: by a variable of the environment, or on the command line behind the application. */
function namedFolder(): string {
  const given = process.argv.slice(1).filter((each) => !each.startsWith('-'));
  return process.env['CKIT_FOLDER'] ?? given[app.isPackaged ? 0 : 1] ?? process.cwd();
}

async function openFolder(path: string): Promise<void> {
  if (supervisor !== undefined) {
    await supervisor.stop();
    // All that the page shows is about the folder before.
    await window?.loadFile(PAGE);
  }
  folder = resolve(path);
  supervisor = new Supervisor({
    command: command(),
    folders: [{ uri: pathToFileURL(folder).href, name: folder }],
    ckit: { clientInfo: { name: 'ckit-electron', version: app.getVersion() } },
    handlers: { 'ckit/approval/request': ({ approval }, signal) => ask(approval, signal) },
  });
  supervisor.onState((state) => {
    if (state.name === 'running') {
      state.daemon.client.on('ckit/turn/event', ({ event }) => tell('turn-event', event));
      state.daemon.client.on('ckit/repo/didChange', () => tell('changed'));
    }
    tell('state', describe(state), folder);
  });
  supervisor.start();
}

/**
 * Loads the page again where its process is gone. From the second time on the person decides, or it might go on for ever.
 *
 * What the page had asked for ends: nobody reads the answers any more, and the next page numbers its own from one again.
 */
async function revive(reason: string): Promise<void> {
  for (const each of running.values()) each.abort();
  losses += 1;
  if (window === undefined) return;
  if (losses > 1 && !(await wantsPage(window, reason))) {
    app.quit();
    return;
  }
  await window.loadFile(PAGE);
  if (supervisor === undefined) return;
  const now = describe(supervisor.state);
  tell('state', { ...now, detail: now.detail || 'The window had stopped working, and what ran in it has ended.' }, folder);
}

async function wantsPage(owner: BrowserWindow, reason: string): Promise<boolean> {
  const { response } = await dialog.showMessageBox(owner, {
    type: 'error',
    title: 'ckit',
    message: 'The window has stopped working again.',
    detail: `Its process has ended (${reason}). Conversations are kept, and so is all that was saved.`,
    buttons: ['Load It Again', 'Quit'],
    cancelId: 1,
  });
  return response === 0;
}

/** Ends the application, and says what it can not do without. */
function giveUp(error: unknown): void {
  dialog.showErrorBox('ckit can not go on', messageOf(error));
  app.quit();
}

function describe(state: State): DaemonState {
  const detail = state.name === 'waiting' || state.name === 'failed' ? state.reason : '';
  return { name: state.name, detail };
}

function tell(channel: string, ...values: unknown[]): void {
  if (window && !window.isDestroyed()) window.webContents.send(channel, ...values);
}

/** Shows a question, which `ckit/approval/resolve` answers; the daemon then waits for no other answer. */
function ask(approval: Approval, signal: AbortSignal): Promise<ApprovalRequestResult> {
  tell('approval', approval);
  return new Promise((decide) => {
    signal.addEventListener('abort', () => {
      tell('approval-over', approval.id);
      decide({ decision: 'deny' });
    });
  });
}

async function request(id: number, method: Allowed, params: object): Promise<Answer> {
  const abort = new AbortController();
  const cancelled = new Promise<never>((_, reject) => {
    const error = new CkitError('It was cancelled before the daemon was there.', { code: 'cancelled' });
    abort.signal.addEventListener('abort', () => reject(error));
  });
  cancelled.catch(() => undefined);
  running.set(id, abort);
  try {
    const client = await Promise.race([(supervisor as Supervisor).client(), cancelled]);
    const onPartial = STREAMS.has(method) ? (items: unknown[]): void => tell('part', id, items) : undefined;
    const result = await client.request(method, params as never, { signal: abort.signal, ...(onPartial && { onPartial }) });
    return { ok: true, result };
  } catch (error) {
    return failure(error);
  } finally {
    running.delete(id);
  }
}

function failure(error: unknown): Answer {
  const code = error instanceof CkitError ? error.code : 'unknown';
  return { ok: false, code, message: messageOf(error) };
}

/** Writes a text where the person says; nowhere where they don't. */
async function save(name: string, text: string): Promise<Answer> {
  if (window === undefined) return failure(new Error('There is no window.'));
  try {
    const { filePath } = await dialog.showSaveDialog(window, { defaultPath: basename(name) });
    if (filePath) await promises.writeFile(filePath, text, 'utf8');
    return { ok: true, result: null };
  } catch (error) {
    return failure(error);
  }
}

/** Refuses messages that come from anything but our own page. */
function isOurs(event: IpcMainInvokeEvent | IpcMainEvent): boolean {
  return window !== undefined && event.sender === window.webContents;
}

/** Opens a text of the folder with the program that the system has for it. */
async function openFile(path: string): Promise<Answer> {
  try {
    const found = realpathSync(resolve(folder, path));
    const way = relative(realpathSync(folder), found);
    const isInside = way.split(sep)[0] !== '..' && !isAbsolute(way);
    if (!isInside || !TEXTS.has(extname(found).toLowerCase())) throw new Error(`${path} is no text of this folder.`);
    const problem = await shell.openPath(found);
    if (problem !== '') throw new Error(`No program could open ${path}: ${problem}`);
    return { ok: true, result: null };
  } catch (error) {
    return failure(error);
  }
}

ipcMain.handle('request', (event, id: unknown, method: unknown, params: unknown): Promise<Answer> | Answer => {
  const known = ALLOWED.find((each) => each === method);
  if (!isOurs(event) || known === undefined || typeof id !== 'number' || typeof params !== 'object' || params === null) {
    return { ok: false, code: 'denied', message: 'The page may not ask for this.' };
  }
  return request(id, known, params);
});
ipcMain.on('cancel', (event, id: unknown) => {
  if (isOurs(event) && typeof id === 'number') running.get(id)?.abort();
});
ipcMain.handle('open-file', (event, path: unknown): Promise<Answer> | Answer => {
  if (isOurs(event) && typeof path === 'string') return openFile(path);
  return { ok: false, code: 'denied', message: 'The page may not ask for this.' };
});
ipcMain.handle('save-text', (event, name: unknown, text: unknown): Promise<Answer> | Answer => {
  if (isOurs(event) && typeof name === 'string' && typeof text === 'string') return save(name, text);
  return { ok: false, code: 'denied', message: 'The page may not ask for this.' };
});
ipcMain.handle('choose-folder', async (event) => {
  if (!isOurs(event) || window === undefined) return;
  const { filePaths } = await dialog.showOpenDialog(window, { properties: ['openDirectory'] });
  if (filePaths[0] !== undefined) await openFolder(filePaths[0]);
});

async function main(): Promise<void> {
  await app.whenReady();
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, decide) => decide(false));
  window = new BrowserWindow({
    width: 1280,
    height: 820,
    show: false,
    title: 'ckit',
    backgroundColor: '#14161a',
    webPreferences: {
      preload: join(__dirname, 'preload.js'),
      contextIsolation: true,
      nodeIntegration: false,
      sandbox: true,
    },
  });
  window.removeMenu();
  window.once('ready-to-show', () => window?.show());
  window.on('closed', () => {
    window = undefined;
  });
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    // Electron itself may crash where a page is loaded before it is done with the death of the one before.
    setImmediate(() => void revive(reason).catch(giveUp));
  });
  await window.loadFile(PAGE);
  await openFolder(namedFolder());
}

// For tests, which end the daemon and see it come back.
Object.assign(global, {
  ckitDaemonPid: () => (supervisor?.state.name === 'running' ? supervisor.state.daemon.pid : undefined),
});

app.on('web-contents-created', (_event, contents) => confine(contents));
app.on('window-all-closed', () => app.quit());
let ending = false;
app.on('before-quit', (event) => {
  if (ending || supervisor === undefined) return;
  ending = true;
  event.preventDefault();
  void supervisor.stop().finally(() => app.quit());
});
main().catch(giveUp);

/** A page goes nowhere and opens nothing: no other page, no window, no webview. */
function confine(contents: WebContents): void {
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  if ('setWindowOpenHandler' in contents) contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  // Electron before version 12 asks by an event.
  else (contents as NodeJS.EventEmitter).on('new-window', (event: Event) => event.preventDefault());
}

import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import {
  EventEmitter,
  Position,
  Range,
  TabInputTextDiff,
  Uri,
  WorkspaceEdit,
  commands,
  extensions,
  languages,
  window,
  workspace,
} from 'vscode';
import type { CodeAction, Diagnostic, Event, TextDocument, Webview } from 'vscode';
import type { Insides } from '../../src/extension';
import type { ToPage } from '../../src/webviews/messages';

/** Only what hangs takes as long, also on a busy machine. */
const DEADLINE_MS = 180_000;

/** The running extension. */
export async function insides(): Promise<Insides> {
  const extension = extensions.getExtension<Insides>('ckit.ckit');
  if (extension === undefined) throw new Error('The extension is not installed.');
  const found = await extension.activate();
  await found.session.client();
  return found;
}

/** Takes other settings for the daemon, and waits until one runs with them. */
export async function configure(config: object | undefined): Promise<void> {
  const { session } = await insides();
  const restarted = until(session.onState, 'a restart', () => session.state.name === 'starting');
  await workspace.getConfiguration('ckit').update('config', config, true);
  await restarted;
  await session.client();
}

/** Waits until something holds, and looks again with each event. */
export async function until<T>(event: Event<T>, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = new AbortController();
  let look: () => void = () => undefined;
  const listening = event(() => look());
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        look = resolve;
      });
      if (await holds()) return;
      const late = pause(DEADLINE_MS, undefined, { signal: deadline.signal }).then(() => {
        throw new Error(`It never came about: ${what}.`);
      });
      late.catch(() => undefined);
      await Promise.race([changed, late]);
    }
  } finally {
    deadline.abort();
    listening.dispose();
  }
}

/** Stands in for a page. */
export interface StandIn<Message> {
  webview: Webview;
  /** What the page says. */
  sent: EventEmitter<Message>;
  /** What it is told, and an event with each of it. */
  got: ToPage[];
  next: EventEmitter<void>;
}

export function standIn<Message>(): StandIn<Message> {
  const sent = new EventEmitter<Message>();
  const next = new EventEmitter<void>();
  const got: ToPage[] = [];
  const webview = {
    onDidReceiveMessage: sent.event,
    postMessage: async (message: ToPage) => {
      got.push(message);
      next.fire();
      return true;
    },
  } as unknown as Webview;
  return { webview, sent, got, next };
}

/** A file of the repository that the test has open. */
export async function file(kind: string, id: string): Promise<Uri> {
  const [found] = await workspace.findFiles(`contexts/${kind}/${id}-*.yaml`);
  if (found === undefined) throw new Error(`There is no file of ${id}.`);
  return found;
}

/** Takes back what was typed; the command that reverts takes whichever editor or preview has the focus by then. */
export async function reverted(document: TextDocument): Promise<void> {
  const edit = new WorkspaceEdit();
  edit.replace(document.uri, new Range(0, 0, document.lineCount, 0), await textOf(document.uri));
  if (!(await workspace.applyEdit(edit)) || !(await document.save())) {
    throw new Error(`${document.uri.path} is not as it was.`);
  }
}

/** Waits until the active editor shows a document that fits; what opens late may have the place for a moment. */
export async function active(what: string, fits: (document: TextDocument) => boolean): Promise<TextDocument> {
  const shown = (): TextDocument | undefined => window.activeTextEditor?.document;
  let found = shown();
  await until(window.onDidChangeActiveTextEditor, `${what} in the active editor`, () => {
    found = shown();
    return found !== undefined && fits(found);
  });
  return found as TextDocument;
}

/** The diff editors of what waits for the person. */
export function diffs(): TabInputTextDiff[] {
  const inputs = window.tabGroups.all.flatMap((group) => group.tabs).map(({ input }) => input);
  return inputs.filter(
    (input) => input instanceof TabInputTextDiff && input.modified.scheme === 'ckit-proposal',
  ) as TabInputTextDiff[];
}

/** Waits until so many of them are open; one that opens or goes late would be in the way of whatever comes then. */
export async function diffsAre(count: number): Promise<void> {
  await until(window.tabGroups.onDidChangeTabs, `${count} diff editors`, () => diffs().length === count);
}

export function findingsOf(uri: Uri): Diagnostic[] {
  return languages.getDiagnostics(uri).filter(({ source }) => source === 'ckit');
}

export async function textOf(uri: Uri): Promise<string> {
  return new TextDecoder().decode(await workspace.fs.readFile(uri));
}

/** Waits until a report is shown whose text fits. */
export async function previewed(name: string, text: RegExp): Promise<void> {
  const labels = (): string[] => window.tabGroups.all.flatMap((group) => group.tabs).map(({ label }) => label);
  await until(window.tabGroups.onDidChangeTabs, `a preview of ${name}`, () =>
    labels().some((each) => each.includes(name)),
  );
  const document = await workspace.openTextDocument(Uri.from({ scheme: 'ckit-text', path: `/${name}` }));
  await until(workspace.onDidChangeTextDocument, `${String(text)} in ${name}`, () => text.test(document.getText()));
}

export async function actionsAt(uri: Uri, range: Range): Promise<CodeAction[]> {
  return (await commands.executeCommand<CodeAction[]>('vscode.executeCodeActionProvider', uri, range)) ?? [];
}

/** Where a text stands in an open document. */
export function placeOf(text: string, part: string): Range {
  if (!text.includes(part)) throw new Error(`There is no ${part} in the document.`);
  const before = text.slice(0, text.indexOf(part)).split('\n');
  const start = new Position(before.length - 1, before.at(-1)?.length ?? 0);
  return new Range(start, start.translate(0, part.length));
}

/** The process of the daemon, the newest one: another may still be on its way out after a restart. */
export function daemonPid(): number {
  const options = ['-o', 'pid=,args=', '--sort=start_time', '--ppid', String(process.pid)];
  const found = execFileSync('ps', options, { encoding: 'utf8' })
    .split('\n')
    .filter((each) => /ckit.daemon/.test(each));
  return Number.parseInt(found.at(-1) ?? '', 10);
}

import { commands, TabInputTextDiff, Uri, window } from 'vscode';
import type { Disposable, Tab } from 'vscode';
import type { Approval } from '@ckit/client';
import { changedFiles } from './patch';
import type { ChangedFile } from './patch';
import type { Session } from './session';
import { Texts } from './texts';

/** Scheme of both sides of a proposed change. */
export const PROPOSAL_SCHEME = 'ckit-proposal';

/** What would change, and what it is called. */
export type Change = Pick<Approval, 'id' | 'title' | 'diff' | 'repository'>;

/** What an approval would change, in VS Code's own diff editor. */
export class Proposals implements Disposable {
  private readonly texts = new Texts(PROPOSAL_SCHEME);
  private readonly showing = new Map<string, { shown: Promise<void>; abort: AbortController }>();

  constructor(private readonly session: Session) {}

  /** Opens a diff of everything that would change, as it would be. */
  async show(change: Change): Promise<void> {
    const abort = new AbortController();
    const shown = this.open(change, abort.signal);
    this.showing.set(change.id, { shown, abort });
    await shown;
  }

  /** Closes what {@link show} has opened, or is about to open. */
  async close(change: Change): Promise<void> {
    const showing = this.showing.get(change.id);
    // An answer may come before the editor does, which would then take the place of what the person looks at.
    showing?.abort.abort();
    // What goes wrong with it is told by who has shown it.
    await showing?.shown.catch(() => undefined);
    this.showing.delete(change.id);
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
    await window.tabGroups.close(
      tabs.filter((tab) => isOf(tab, change)),
      true,
    );
    this.texts.forget(({ path, query }) => query.startsWith(`${change.id}&`) || path === `/${titleOf(change)}.diff`);
  }

  /** The id of the approval that an editor shows; of the active one without a side. */
  idOf(side: unknown, pending: Iterable<Approval>): string | undefined {
    if (side instanceof Uri && side.scheme === PROPOSAL_SCHEME) return side.query.split('&')[0];
    const tab = window.tabGroups.activeTabGroup.activeTab;
    for (const approval of pending) if (tab && isOf(tab, approval)) return approval.id;
    return undefined;
  }

  dispose(): void {
    this.texts.dispose();
  }

  private async open(change: Change, signal: AbortSignal): Promise<void> {
    const { diff, id } = change;
    if (diff === undefined) return;
    const title = titleOf(change);
    const files = await this.filesOf(diff, change.repository);
    if (signal.aborted) return;
    if (files === undefined) {
      // The file has changed since it was asked; what was asked is still shown, as a patch.
      await this.texts.show(`${title}.diff`, diff, 'diff');
      return;
    }
    const sides = files.map((file) => this.sidesOf(id, file));
    const [[, before, after] = []] = sides;
    if (before && after && sides.length === 1) {
      await commands.executeCommand('vscode.diff', before, after, title, { preview: false, preserveFocus: true });
    } else {
      await commands.executeCommand('vscode.changes', title, sides);
    }
  }

  private async filesOf(diff: string, repository: string): Promise<ChangedFile[] | undefined> {
    const client = await this.session.client();
    try {
      return await changedFiles(
        diff,
        async (path) => (await client.request('ckit/file/read', { path, repository })).text,
      );
    } catch {
      return undefined;
    }
  }

  /** The name of a file, and its two sides; a side that is not there is none. */
  private sidesOf(id: string, { before, after }: ChangedFile): [Uri, Uri | undefined, Uri | undefined] {
    return [
      Uri.from({ scheme: PROPOSAL_SCHEME, path: `/${after?.path ?? before?.path ?? ''}`, query: `${id}&label` }),
      before && this.texts.put(before.path, before.text, `${id}&before`),
      after && this.texts.put(after.path, after.text, `${id}&after`),
    ];
  }
}

function titleOf({ title }: Change): string {
  return `ckit proposes: ${title}`;
}

function isOf(tab: Tab, change: Change): boolean {
  if (tab.input instanceof TabInputTextDiff) {
    const { modified } = tab.input;
    return modified.scheme === PROPOSAL_SCHEME && modified.query.startsWith(`${change.id}&`);
  }
  // The editor of several diffs, and a patch as a text, are known by their names alone; VS Code adds to them.
  return tab.label.startsWith(titleOf(change));
}

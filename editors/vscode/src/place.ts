import { commands, window } from 'vscode';
import type { Disposable, Uri } from 'vscode';
import { kindOf } from './paths';
import type { Repositories } from './repositories';
import type { Session } from './session';

/** Tells menus whether the active editor shows an entity or a specification, so that they offer only what can work. */
export class Place implements Disposable {
  private readonly disposables: Disposable[];

  constructor(
    private readonly session: Session,
    private readonly repositories: Repositories,
  ) {
    this.disposables = [
      window.onDidChangeActiveTextEditor(() => void this.look()),
      session.onState(() => void this.look()),
      session.onChange(() => void this.look()),
    ];
  }

  dispose(): void {
    for (const each of this.disposables) each.dispose();
  }

  private async look(): Promise<void> {
    const uri = window.activeTextEditor?.document.uri;
    const kinds = uri === undefined ? [] : (await this.paths(uri)).map(kindOf);
    // While this has asked, the person may have gone on.
    if (window.activeTextEditor?.document.uri !== uri) return;
    void commands.executeCommand('setContext', 'ckit.entityHere', kinds.some(({ entity }) => entity));
    void commands.executeCommand('setContext', 'ckit.specHere', kinds.some(({ spec }) => spec));
  }

  /** What a file is called in the open repositories. */
  private async paths(uri: Uri): Promise<string[]> {
    if (this.session.state.name !== 'running') return [];
    try {
      return (await this.repositories.list()).flatMap((each) => this.repositories.pathIn(each, uri) ?? []);
    } catch {
      // The daemon has just ended; its next state has this looked at again.
      return [];
    }
  }
}

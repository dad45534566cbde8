import { commands, window } from 'vscode';
import type { Disposable, Uri } from 'vscode';
import type { Repositories } from './repositories';
import type { Session } from './session';

/** Where entities lie in a repository. */
const ENTITIES = /^contexts\/.*\.ya?ml$/;

/** Tells menus whether the active editor shows an entity, so that they offer only what can work. */
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
    const here = uri !== undefined && (await this.paths(uri)).some((path) => ENTITIES.test(path));
    // While this has asked, the person may have gone on.
    if (window.activeTextEditor?.document.uri === uri)
      void commands.executeCommand('setContext', 'ckit.entityHere', here);
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

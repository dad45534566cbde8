import { commands, Range, RelativePattern, TabInputText, Uri, ViewColumn, window, workspace } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { EntitySummary, Location, Range as PlaceRange, RepositoryInfo } from '@ckit/client';
import { resolved, wayIn } from './paths';
import type { Session } from './session';
import { readTemplate } from './template';
import type { BuilderTemplate } from './template';

interface EntityItem extends QuickPickItem {
  entity: EntitySummary;
}

/** The open repositories, where they lie in the workspace, and what is in them. */
export class Repositories {
  private lastUsed: string | undefined;

  constructor(private readonly session: Session) {}

  async list(): Promise<RepositoryInfo[]> {
    const client = await this.session.client();
    return (await client.request('ckit/repo/list', {})).repositories;
  }

  /**
   * The repository that the person works in: that of the active editor, else the one before, else the first.
   *
   * @throws Error where no folder of the workspace is one.
   */
  async current(): Promise<RepositoryInfo> {
    const all = await this.list();
    const uri = window.activeTextEditor?.document.uri;
    const found =
      (uri && all.find((each) => this.pathIn(each, uri) !== undefined)) ??
      all.find(({ id }) => id === this.lastUsed) ??
      all[0];
    if (found === undefined) throw new Error('No folder of this workspace holds a context repository.');
    this.lastUsed = found.id;
    return found;
  }

  /** Where a file of a repository is, as the workspace knows it. */
  uriOf(repository: RepositoryInfo, path: string): Uri {
    return Uri.joinPath(this.rootOf(repository), path);
  }

  /** The path of a file within a repository; nothing where it is elsewhere. */
  pathIn(repository: RepositoryInfo, uri: Uri): string | undefined {
    const steps = uri.scheme === 'file' ? wayIn(this.rootOf(repository).fsPath, uri.fsPath) : undefined;
    return steps?.length ? steps.join('/') : undefined;
  }

  /** Shows a place of a file. */
  async open(repository: RepositoryInfo, path: string, range?: PlaceRange, preview = true): Promise<void> {
    const uri = this.uriOf(repository, path);
    const shown = window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
    await commands.executeCommand('vscode.open', uri, {
      // Editors beside a graph or a diff stay where the person has put them.
      viewColumn: shown?.viewColumn ?? ViewColumn.One,
      preview,
      ...(range && {
        selection: new Range(range.start.line, range.start.character, range.end.line, range.end.character),
      }),
    });
  }

  /** Closes the editors of files that are gone: the daemon goes by what an editor shows. */
  async closeGone(repository: RepositoryInfo, paths: readonly string[]): Promise<void> {
    const uris = paths.map((path) => this.uriOf(repository, path));
    const there = await Promise.all(uris.map((uri) => exists(uri)));
    const gone = new Set(uris.filter((_, index) => !there[index]).map((uri) => uri.toString()));
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
    await window.tabGroups.close(
      tabs.filter(({ input, isDirty }) => input instanceof TabInputText && !isDirty && gone.has(input.uri.toString())),
      true,
    );
  }

  openLocation(repository: RepositoryInfo, { path, range }: Location): Promise<void> {
    return this.open(repository, path, range);
  }

  async openEntity(repository: RepositoryInfo, id: string): Promise<void> {
    const client = await this.session.client();
    const { location } = await client.request('ckit/entity/get', { id, repository: repository.id });
    await this.openLocation(repository, location);
  }

  async entities(repository: RepositoryInfo, types?: string[]): Promise<EntitySummary[]> {
    const client = await this.session.client();
    const found: EntitySummary[] = [];
    let offset: number | undefined = 0;
    while (offset !== undefined) {
      const page: { entities: EntitySummary[]; nextOffset?: number } = await client.request('ckit/entity/list', {
        repository: repository.id,
        limit: 10_000,
        offset,
        ...(types ? { types } : {}),
      });
      found.push(...page.entities);
      offset = page.nextOffset;
    }
    return found;
  }

  /** The entity of the active editor. */
  async here(repository: RepositoryInfo, types?: string[]): Promise<EntitySummary | undefined> {
    const uri = window.activeTextEditor?.document.uri;
    const path = uri && this.pathIn(repository, uri);
    if (path === undefined) return undefined;
    return (await this.entities(repository, types)).find((each) => each.path === path);
  }

  /** Lets the person choose an entity; nothing where they don't. */
  async pick(repository: RepositoryInfo, title: string, types?: string[]): Promise<EntitySummary | undefined> {
    const items = this.entities(repository, types).then((entities) =>
      entities.map((entity): EntityItem => ({
        entity,
        label: entity.id,
        description: entity.title ?? '',
        detail: [entity.type, entity.status].filter(Boolean).join(' · '),
      })),
    );
    const options = { title, placeHolder: 'Id or title', matchOnDescription: true, matchOnDetail: true };
    return (await window.showQuickPick(items, options))?.entity;
  }

  /** The builder templates of a repository, by their names. */
  async templates(repository: RepositoryInfo): Promise<BuilderTemplate[]> {
    const root = Uri.joinPath(this.rootOf(repository), '.context', 'templates', 'builder');
    const files = await workspace.findFiles(new RelativePattern(root, '**/*.{yaml,yml}'), null);
    const read = files.map(async (uri) =>
      readTemplate(uri.path.slice(root.path.length + 1), new TextDecoder().decode(await workspace.fs.readFile(uri))),
    );
    return (await Promise.all(read)).sort((a, b) => a.name.localeCompare(b.name));
  }

  private rootOf({ rootUri }: RepositoryInfo): Uri {
    const root = Uri.parse(rootUri);
    for (const { uri } of workspace.workspaceFolders ?? []) {
      if (uri.scheme !== 'file') continue;
      // The daemon resolves symbolic links, and the workspace does not.
      const steps = wayIn(resolved(uri.fsPath), root.fsPath);
      if (steps !== undefined) return Uri.joinPath(uri, ...steps);
    }
    return root;
  }
}

async function exists(uri: Uri): Promise<boolean> {
  try {
    await workspace.fs.stat(uri);
    return true;
  } catch {
    // What can't be looked at is not there for an editor either.
    return false;
  }
}

import {
  EventEmitter,
  FileDecoration,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { Disposable, FileDecorationProvider, TreeDataProvider } from 'vscode';
import type { EntitySummary, Finding, RepositoryInfo } from '@ckit/client';
import type { Repositories } from './repositories';
import type { Session } from './session';

/** How long changes may go on before the tree is read again, in milliseconds. */
const PAUSE_MS = 300;

interface Content {
  entities: EntitySummary[];
  /** By path. */
  findings: Map<string, Finding[]>;
}

export type Node =
  | { kind: 'repository'; repository: RepositoryInfo }
  | {
      kind: 'type';
      repository: RepositoryInfo;
      type: string;
      entities: EntitySummary[];
      findings: Map<string, Finding[]>;
    }
  | { kind: 'entity'; repository: RepositoryInfo; id: string; entity: EntitySummary; findings: Finding[] }
  | { kind: 'finding'; repository: RepositoryInfo; finding: Finding };

const ICONS: Record<string, string> = {
  feature: 'star-empty',
  userstory: 'person',
  spec: 'book',
  task: 'checklist',
  service: 'server',
  package: 'package',
  governance: 'law',
};
const SEVERITIES = {
  error: new ThemeIcon('error', new ThemeColor('list.errorForeground')),
  warning: new ThemeIcon('warning', new ThemeColor('list.warningForeground')),
  information: new ThemeIcon('info'),
  hint: new ThemeIcon('lightbulb'),
};

/** Scheme of what the rows of the tree stand for, so that they get a badge. */
const BADGE_SCHEME = 'ckit-findings';

/** All entities by type, and below each what is wrong with it. */
export class EntityTree implements TreeDataProvider<Node>, FileDecorationProvider, Disposable {
  private readonly changes = new EventEmitter<void>();
  private readonly disposables: Disposable[];
  private timer: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData = this.changes.event;

  constructor(
    private readonly session: Session,
    private readonly repositories: Repositories,
  ) {
    this.disposables = [
      window.registerFileDecorationProvider(this),
      session.onState(() => this.refresh()),
      session.onChange(() => this.later()),
      // The daemon looks at what is typed; of that it tells by diagnostics only.
      workspace.onDidChangeTextDocument(({ document }) => {
        if (document.languageId === 'yaml') this.later();
      }),
    ];
  }

  refresh(): void {
    clearTimeout(this.timer);
    this.changes.fire();
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (this.session.state.name !== 'running') return [];
    switch (node?.kind) {
      case undefined: {
        const all = await this.repositories.list();
        const [only] = all;
        if (only !== undefined && all.length === 1) return this.typesOf(only);
        return all.map((repository) => ({ kind: 'repository', repository }));
      }
      case 'repository':
        return this.typesOf(node.repository);
      case 'type':
        return node.entities.map((entity) => ({
          kind: 'entity',
          repository: node.repository,
          id: entity.id,
          entity,
          findings: node.findings.get(entity.path) ?? [],
        }));
      case 'entity':
        return node.findings.map((finding) => ({ kind: 'finding', repository: node.repository, finding }));
      case 'finding':
        return [];
    }
  }

  getTreeItem(node: Node): TreeItem {
    switch (node.kind) {
      case 'repository':
        return new TreeItem(node.repository.name, TreeItemCollapsibleState.Expanded);
      case 'type':
        return typeItem(node.type, node.entities, node.findings);
      case 'entity':
        return this.entityItem(node.repository, node.entity, node.findings);
      case 'finding':
        return this.findingItem(node.repository, node.finding);
    }
  }

  /** Counts the findings at the end of a row. */
  provideFileDecoration({ query, scheme }: Uri): FileDecoration | undefined {
    if (scheme !== BADGE_SCHEME || query === '') return undefined;
    const { count, severity } = JSON.parse(query) as { count: number; severity: 'error' | 'warning' };
    const color = new ThemeColor(`list.${severity}Foreground`);
    return new FileDecoration(count > 9 ? '9+' : String(count), counted(count, 'finding'), color);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changes.dispose();
    for (const each of this.disposables) each.dispose();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), PAUSE_MS);
  }

  private async typesOf(repository: RepositoryInfo): Promise<Node[]> {
    const { entities, findings } = await this.read(repository);
    const types = new Map<string, EntitySummary[]>();
    for (const entity of entities) types.set(entity.type, [...(types.get(entity.type) ?? []), entity]);
    return [...types].map(([type, some]) => ({ kind: 'type', repository, type, entities: some, findings }));
  }

  private async read(repository: RepositoryInfo): Promise<Content> {
    const client = await this.session.client();
    const [entities, report] = await Promise.all([
      this.repositories.entities(repository),
      client.request('ckit/repo/validate', { repository: repository.id, limit: 10_000 }),
    ]);
    const findings = new Map<string, Finding[]>();
    for (const finding of report.findings) {
      const { path } = finding.location;
      findings.set(path, [...(findings.get(path) ?? []), finding]);
    }
    return { entities, findings };
  }

  private entityItem(repository: RepositoryInfo, entity: EntitySummary, findings: Finding[]): TreeItem {
    const { None, Collapsed } = TreeItemCollapsibleState;
    const item = new TreeItem(entity.id, findings.length > 0 ? Collapsed : None);
    item.id = `${repository.id}/${entity.path}`;
    item.description = entity.title ?? '';
    item.resourceUri = badge(`${repository.id}/${entity.path}`, findings);
    item.contextValue = `entity.${entity.type}`;
    item.iconPath = worst(findings) ?? new ThemeIcon(ICONS[entity.type] ?? 'symbol-misc');
    // What a repository says is text, or its pictures would be fetched from wherever they are.
    item.tooltip = new MarkdownString('**')
      .appendText(entity.id)
      .appendMarkdown('** ')
      .appendText(entity.title ?? '')
      .appendMarkdown('\n\n')
      .appendText([entity.type, entity.status, entity.path].filter(Boolean).join(' · '));
    item.command = {
      command: 'vscode.open',
      title: 'Open',
      arguments: [this.repositories.uriOf(repository, entity.path)],
    };
    return item;
  }

  private findingItem(repository: RepositoryInfo, finding: Finding): TreeItem {
    const { path, range } = finding.location;
    const item = new TreeItem(finding.message);
    item.iconPath = SEVERITIES[finding.severity];
    item.tooltip = `${finding.message}\n${finding.code} · ${path}:${range.start.line + 1}`;
    item.command = { command: 'ckit.openPlace', title: 'Open', arguments: [repository.id, path, range] };
    return item;
  }
}

function typeItem(type: string, entities: EntitySummary[], findings: Map<string, Finding[]>): TreeItem {
  const found = entities.flatMap((entity) => findings.get(entity.path) ?? []);
  const item = new TreeItem(type, TreeItemCollapsibleState[found.length > 0 ? 'Expanded' : 'Collapsed']);
  item.description = String(entities.length);
  item.resourceUri = badge(type, found);
  item.contextValue = 'type';
  return item;
}

function worst(findings: Finding[]): ThemeIcon | undefined {
  for (const severity of ['error', 'warning'] as const) {
    if (findings.some((finding) => finding.severity === severity)) return SEVERITIES[severity];
  }
  return undefined;
}

function badge(path: string, findings: Finding[]): Uri {
  const severity = findings.some((finding) => finding.severity === 'error') ? 'error' : 'warning';
  const query = findings.length > 0 ? JSON.stringify({ count: findings.length, severity }) : '';
  return Uri.from({ scheme: BADGE_SCHEME, path: `/${path}`, query });
}

/** "1 finding", "2 findings". */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

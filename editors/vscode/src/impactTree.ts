import { EventEmitter, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import type { Disposable, TreeDataProvider } from 'vscode';
import type { ChangedEntity, FiredRule, Issue, RepoImpactResult, RepositoryInfo, StaleEntity } from '@ckit/client';

type Row =
  | { kind: 'changed'; changed: ChangedEntity }
  | { kind: 'rule'; rule: FiredRule }
  | { kind: 'stale'; stale: StaleEntity }
  | { kind: 'issue'; issue: Issue };
type Node = { kind: 'group'; label: string; rows: Row[] } | Row;

/** What a change reaches: what changed, which rules ask for what, and what may no longer be right. */
export class ImpactTree implements TreeDataProvider<Node>, Disposable {
  private readonly changes = new EventEmitter<void>();
  private impact: RepoImpactResult | undefined;
  private repository: RepositoryInfo | undefined;

  readonly onDidChangeTreeData = this.changes.event;

  show(repository: RepositoryInfo, impact: RepoImpactResult): void {
    this.repository = repository;
    this.impact = impact;
    this.changes.fire();
  }

  getChildren(node?: Node): Node[] {
    if (node?.kind === 'group') return node.rows;
    if (node !== undefined || this.impact === undefined) return [];
    const { changed, issues, rules, stale } = this.impact;
    const groups: { kind: 'group'; label: string; rows: Row[] }[] = [
      { kind: 'group', label: 'Changed', rows: changed.map((each) => ({ kind: 'changed', changed: each })) },
      { kind: 'group', label: 'To do', rows: issues.map((issue) => ({ kind: 'issue', issue })) },
      { kind: 'group', label: 'Rules', rows: rules.map((rule) => ({ kind: 'rule', rule })) },
      { kind: 'group', label: 'May no longer be right', rows: stale.map((each) => ({ kind: 'stale', stale: each })) },
    ];
    return groups.filter(({ rows }) => rows.length > 0);
  }

  getTreeItem(node: Node): TreeItem {
    switch (node.kind) {
      case 'group': {
        const item = new TreeItem(node.label, TreeItemCollapsibleState.Expanded);
        item.description = String(node.rows.length);
        return item;
      }
      case 'changed': {
        const { changed } = node;
        const fields = changed.fields?.map(({ path }) => path.join('.')).join(', ') ?? '';
        return this.entity(
          changed.id,
          `${changed.kind === 'assumed' ? 'assumed to change' : changed.kind} ${fields}`.trim(),
          new ThemeIcon('edit'),
        );
      }
      case 'stale': {
        const { entity, via } = node.stale;
        const item = this.entity(entity.id, entity.title ?? '', new ThemeIcon('history'));
        item.tooltip = via.map(({ source, rel, target }) => `${source} ${rel} ${target}`).join('\n');
        return item;
      }
      case 'rule': {
        const item = new TreeItem(node.rule.rule);
        item.description = `${node.rule.certainty === 'possible' ? 'possibly: ' : ''}${node.rule.reason}`;
        item.tooltip = item.description;
        item.iconPath = new ThemeIcon('law');
        return item;
      }
      case 'issue': {
        const { issue } = node;
        const item = new TreeItem(issue.entity);
        item.description = issue.message;
        item.tooltip = `${issue.reason}\n${issue.suggestedAction}`;
        item.iconPath = new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
        item.command = {
          command: 'ckit.openPlace',
          title: 'Open',
          arguments: [this.repository?.id, issue.location.path, issue.location.range],
        };
        return item;
      }
    }
  }

  dispose(): void {
    this.changes.dispose();
  }

  private entity(id: string, description: string, icon: ThemeIcon): TreeItem {
    const item = new TreeItem(id);
    item.description = description;
    item.iconPath = icon;
    item.command = { command: 'ckit.openEntity', title: 'Open', arguments: [{ id, repository: this.repository?.id }] };
    return item;
  }
}

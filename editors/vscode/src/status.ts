import { commands, MarkdownString, QuickPickItemKind, StatusBarAlignment, ThemeColor, window } from 'vscode';
import type { Disposable, QuickPickItem } from 'vscode';
import type { ComponentHealth, HealthResult } from '@ckit/client';
import type { Approvals } from './approvals';
import type { Session } from './session';
import { explain } from './trouble';

const SIGNS: Record<ComponentHealth['status'], string> = {
  ok: '$(pass)',
  degraded: '$(warning)',
  failed: '$(error)',
  disabled: '$(circle-slash)',
  pending: '$(clock)',
};

/** The daemon's health in the status bar. */
export class Status implements Disposable {
  private readonly item = window.createStatusBarItem('ckit.status', StatusBarAlignment.Left, 0);
  private readonly disposables: Disposable[];

  constructor(
    private readonly session: Session,
    private readonly approvals: Approvals,
  ) {
    this.item.name = 'ckit';
    this.item.show();
    this.disposables = [
      this.item,
      session.onState(() => this.draw()),
      // A provider that fails, or an index that is built, changes how it is between two starts.
      session.onChange(() => this.draw()),
      session.onTurnEvent(({ type }) => {
        if (type === 'turnCompleted') this.draw();
      }),
      approvals.onAsk(() => this.draw()),
      approvals.onAnswer(() => this.draw()),
    ];
    this.draw();
  }

  /** Shows every component with what its probe found now, and what can be done. */
  async details(): Promise<void> {
    const { state } = this.session;
    if ('reason' in state) return explain(state);
    const client = await this.session.client();
    const [health, { repositories }] = await Promise.all([
      client.request('ckit/health', { fresh: true }),
      client.request('ckit/repo/list', {}),
    ]);
    this.drawHealth(health);
    const actions: (QuickPickItem & { command?: string })[] = [
      { label: '$(checklist) Validate', command: 'ckit.validate' },
      { label: '$(type-hierarchy) Show Graph', command: 'ckit.showGraph' },
      { label: '$(debug-restart) Restart the Daemon', command: 'ckit.restart' },
      { label: '$(output) Show Log', command: 'ckit.showLog' },
      { label: 'Repositories', kind: QuickPickItemKind.Separator },
      ...repositories.map(({ entities, name, trusted }) => ({
        label: `$(repo) ${name}`,
        description: `${entities} entities · ${trusted ? 'trusted' : 'not trusted: its scripts do not run'}`,
      })),
      { label: 'Components', kind: QuickPickItemKind.Separator },
      ...health.components.map((each) => ({
        label: `${SIGNS[each.status]} ${each.name}`,
        description: each.detail,
        ...(each.works?.length ? { detail: `Still works: ${each.works.join(', ')}` } : {}),
      })),
    ];
    const daemon = health.versions['daemon'] ?? '';
    const chosen = await window.showQuickPick(actions, { title: `ckit ${daemon}: ${health.status}` });
    if (chosen?.command !== undefined) await commands.executeCommand(chosen.command);
  }

  dispose(): void {
    for (const each of this.disposables) each.dispose();
  }

  private draw(): void {
    const { state } = this.session;
    this.item.command = 'ckit.health';
    this.item.backgroundColor = undefined;
    this.item.accessibilityInformation = undefined;
    if (this.approvals.pending.length > 0) {
      this.item.text = '$(question) ckit asks';
      this.item.tooltip = this.approvals.pending.map(({ title }) => title).join('\n');
      this.item.command = 'ckit.answer';
      this.item.backgroundColor = new ThemeColor('statusBarItem.warningBackground');
    } else if (state.name === 'starting') {
      this.item.text = '$(loading~spin) ckit';
      this.item.tooltip = 'The ckit daemon is starting.';
    } else if ('reason' in state) {
      this.item.text = '$(error) ckit';
      this.item.tooltip = state.reason;
      this.item.backgroundColor = new ThemeColor('statusBarItem.errorBackground');
    } else if (state.name === 'stopped') {
      this.item.text = '$(circle-slash) ckit';
      this.item.tooltip = 'The ckit daemon is stopped.';
    } else {
      void this.ask();
    }
  }

  private async ask(): Promise<void> {
    try {
      const client = await this.session.client();
      const health = await client.request('ckit/health', {});
      if (this.session.state.name === 'running' && this.approvals.pending.length === 0) this.drawHealth(health);
    } catch {
      // The daemon has just ended; the next state is drawn as it comes.
    }
  }

  private drawHealth({ components, status, versions }: HealthResult): void {
    const troubled = components.filter((each) => each.status === 'degraded' || each.status === 'failed');
    this.item.text = status === 'failed' ? '$(error) ckit' : troubled.length > 0 ? '$(warning) ckit' : '$(pass) ckit';
    this.item.accessibilityInformation = { label: `ckit: ${status}` };
    const tooltip = new MarkdownString(`ckit ${versions['daemon'] ?? ''}: ${status}`, true);
    for (const each of troubled.length > 0 ? troubled : components) {
      tooltip.appendMarkdown(`\n\n${SIGNS[each.status]} **${each.name}** `).appendText(each.detail);
    }
    this.item.tooltip = tooltip;
  }
}

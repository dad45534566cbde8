import { Uri, ViewColumn, window } from 'vscode';
import type { WebviewPanel } from 'vscode';
import type { RepositoryInfo } from '@ckit/client';
import { pageHtml, pageOptions } from './html';
import { Link } from './link';
import type { Parts } from './link';

/** Type of the graph's editor. */
export const GRAPH = 'ckit.graph';

/** The graph of the repository, in an editor; there is one at a time. */
export class GraphPanel {
  private panel: WebviewPanel | undefined;
  private link: Link | undefined;

  constructor(
    private readonly extension: Uri,
    private readonly parts: Parts,
  ) {}

  /** Shows the graph of a repository; with what a change of an entity reaches, where one is given. */
  show(repository: RepositoryInfo, entity?: string): void {
    if (this.panel) this.panel.reveal();
    else
      this.adopt(window.createWebviewPanel(GRAPH, 'ckit Graph', ViewColumn.Active, { retainContextWhenHidden: true }));
    this.link?.turnTo(repository);
    if (entity !== undefined) this.link?.order({ kind: 'highlight', entity });
  }

  /** Fills a panel: a new one, or one that VS Code has kept over a restart. */
  adopt(panel: WebviewPanel): void {
    const link = new Link(panel.webview, this.parts, false);
    this.panel = panel;
    this.link = link;
    panel.onDidDispose(() => {
      link.dispose();
      this.panel = undefined;
      this.link = undefined;
    });
    panel.iconPath = Uri.joinPath(this.extension, 'media', 'ckit.svg');
    panel.webview.options = pageOptions(this.extension);
    panel.webview.html = pageHtml(panel.webview, this.extension, 'graph', 'ckit Graph');
  }
}

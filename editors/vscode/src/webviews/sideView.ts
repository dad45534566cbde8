import { commands, Uri } from 'vscode';
import type { WebviewView, WebviewViewProvider } from 'vscode';
import { pageHtml, pageOptions } from './html';
import { Link } from './link';
import type { Parts } from './link';
import type { Order } from './messages';

/** A page in the side bar: the chat, or questions. */
export class SideView implements WebviewViewProvider {
  private view: WebviewView | undefined;
  private link: Link | undefined;
  private readonly early: Order[] = [];

  constructor(
    private readonly name: 'chat' | 'ask',
    private readonly title: string,
    private readonly extension: Uri,
    private readonly parts: Parts,
  ) {}

  /** Name of the view, as `package.json` has it. */
  get id(): string {
    return `ckit.${this.name}`;
  }

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  resolveWebviewView(view: WebviewView): void {
    const link = new Link(view.webview, this.parts, this.name === 'chat');
    this.view = view;
    this.link = link;
    view.onDidDispose(() => {
      link.dispose();
      this.view = undefined;
      this.link = undefined;
    });
    view.webview.options = pageOptions(this.extension);
    view.webview.html = pageHtml(view.webview, this.extension, this.name, this.title);
    for (const order of this.early.splice(0)) link.order(order);
  }

  /** Shows the view, and has its page do something. */
  async show(order?: Order, preserveFocus = false): Promise<void> {
    if (order !== undefined) {
      if (this.link) this.link.order(order);
      else this.early.push(order);
    }
    if (this.view) this.view.show(preserveFocus);
    else await commands.executeCommand(`${this.id}.focus`, { preserveFocus });
  }
}

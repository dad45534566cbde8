import { Disposable, Range, window, workspace } from 'vscode';
import type { Webview } from 'vscode';
import { CkitError, messageOf } from '@ckit/client';
import type { FileAttachment, RepositoryInfo, SelectionAttachment } from '@ckit/client';
import type { Approvals } from '../approvals';
import { failed } from '../messages';
import type { Repositories } from '../repositories';
import type { Session } from '../session';
import { ALLOWED, ALLOWED_CHAT, fromPage, STREAMED } from './messages';
import type { Allowed, Order, ToPage, Which } from './messages';

/** What pages are made of. */
export interface Parts {
  session: Session;
  repositories: Repositories;
  approvals: Approvals;
}

/** The way of a page to the daemon: narrow, and only for what pages need. */
export class Link extends Disposable {
  private readonly running = new Map<number, AbortController>();
  private readonly disposables: Disposable[] = [];
  private readonly early: Order[] = [];
  private ready = false;
  private repository: RepositoryInfo | undefined;

  constructor(
    private readonly webview: Webview,
    private readonly parts: Parts,
    private readonly asksPerson: boolean,
  ) {
    super(() => this.close());
    const { session, approvals } = parts;
    this.disposables.push(
      webview.onDidReceiveMessage((message: unknown) => this.receive(message)),
      session.onChange(() => this.tell({ kind: 'changed' })),
    );
    if (!asksPerson) return;
    this.disposables.push(
      session.onState(({ name }) => {
        if (name === 'running') this.tell({ kind: 'restarted' });
      }),
      session.onTurnEvent((event) => this.tell({ kind: 'turnEvent', event })),
      approvals.onAsk((approval) => this.tell({ kind: 'approval', approval })),
      approvals.onAnswer(({ approval, decision }) => this.tell({ kind: 'answered', approval: approval.id, decision })),
    );
  }

  /** Has the page do something, as soon as it can. */
  order(order: Order): void {
    if (this.ready) this.send(order);
    else this.early.push(order);
  }

  /** Has the page show another repository. */
  turnTo(repository: RepositoryInfo): void {
    if (this.repository === undefined || this.repository.id === repository.id) return;
    this.repository = repository;
    this.tell({ kind: 'changed' });
  }

  /** Says what happens to a page that listens; it gets all that is so when it begins to. */
  private tell(message: ToPage): void {
    if (this.ready) this.send(message);
  }

  private send(message: ToPage): void {
    void this.webview.postMessage(message);
  }

  private receive(given: unknown): void {
    const message = fromPage(given);
    switch (message?.kind) {
      case 'ready':
        this.ready = true;
        if (this.asksPerson)
          for (const approval of this.parts.approvals.pending) this.send({ kind: 'approval', approval });
        for (const order of this.early.splice(0)) this.send(order);
        break;
      case 'request':
        void this.answer(message.id, (signal) => this.request(message.id, message.method, message.params, signal));
        break;
      case 'editor':
        void this.answer(message.id, () => this.inEditor());
        break;
      case 'save':
        void this.answer(message.id, async () => {
          await window.showTextDocument(await workspace.openTextDocument({ language: 'markdown', content: message.text }));
        });
        break;
      case 'cancel':
        this.running.get(message.id)?.abort();
        break;
      case 'open':
        void this.show(async (repository) => {
          const { repositories } = this.parts;
          if (repositories.pathIn(repository, repositories.uriOf(repository, message.path)) === undefined) {
            throw new Error(`${message.path} does not lie in ${repository.name}.`);
          }
          await repositories.open(repository, message.path, message.range);
        });
        break;
      case 'choose':
        void this.show((repository) => this.parts.repositories.openEntity(repository, message.entity));
        break;
    }
  }

  private async answer(id: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const abort = new AbortController();
    this.running.set(id, abort);
    try {
      this.send({ kind: 'answer', id, result: await work(abort.signal) });
    } catch (error) {
      const code = error instanceof CkitError ? error.code : 'unknown';
      this.send({ kind: 'failure', id, code, message: messageOf(error) });
    } finally {
      this.running.delete(id);
    }
  }

  private async request(id: number, method: string, params: object, signal: AbortSignal): Promise<unknown> {
    const allowed: Record<string, Which> = this.asksPerson ? { ...ALLOWED, ...ALLOWED_CHAT } : ALLOWED;
    const which = Object.hasOwn(allowed, method) ? allowed[method] : undefined;
    if (which === undefined) throw new Error(`A page may not ask for ${method}.`);
    const client = await this.parts.session.client();
    if (which === 'current') this.repository = await this.parts.repositories.current();
    if (which === 'same') this.repository ??= await this.parts.repositories.current();
    const where = which === 'none' ? {} : { repository: this.repository?.id ?? null };
    const onPartial = (items: unknown[]): void => {
      for (const item of items) this.send({ kind: 'part', id, text: (item as { text: string }).text });
    };
    // The page is our own and typed the params; the daemon checks them again.
    const asked = { ...where, ...params } as never;
    return client.request(method as Allowed, asked, { signal, ...(STREAMED.includes(method) && { onPartial }) });
  }

  /** The active editor's file and the lines that are selected in it, as far as they are the repository's. */
  private async inEditor(): Promise<(FileAttachment | SelectionAttachment)[]> {
    const editor = window.activeTextEditor;
    const repository = this.repository ?? (await this.parts.repositories.current());
    const path = editor && this.parts.repositories.pathIn(repository, editor.document.uri);
    if (editor === undefined || path === undefined) return [];
    const { start, end, isEmpty } = editor.selection;
    const file: FileAttachment = { kind: 'file', path };
    if (isEmpty) return [file];
    // The line that a selection only touches is not selected.
    const endLine = end.character === 0 ? end.line - 1 : end.line;
    const lines = new Range(start.line, 0, endLine, editor.document.lineAt(endLine).text.length);
    const text = editor.document.getText(lines);
    return [{ kind: 'selection', path, startLine: start.line, endLine, text }, file];
  }

  private async show(open: (repository: RepositoryInfo) => Promise<void>): Promise<void> {
    try {
      await open(this.repository ?? (await this.parts.repositories.current()));
    } catch (error) {
      failed(error);
    }
  }

  private close(): void {
    // Nobody reads the answers any more; a turn that went on unseen would be a surprise.
    for (const abort of this.running.values()) abort.abort();
    for (const each of this.disposables) each.dispose();
  }
}

import { Disposable } from 'vscode';
import type { Webview } from 'vscode';
import { CkitError } from '@ckit/client';
import type { RepositoryInfo } from '@ckit/client';
import type { Approvals } from '../approvals';
import { failed } from '../messages';
import type { Repositories } from '../repositories';
import type { Session } from '../session';
import { ALLOWED, STREAMED } from './messages';
import type { Allowed, Decision, FromPage, Order, ToPage } from './messages';

/** What pages are made of. */
export interface Parts {
  session: Session;
  repositories: Repositories;
  approvals: Approvals;
}

const DECISIONS: readonly Decision[] = ['allowOnce', 'allowForSession', 'deny'];

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
      webview.onDidReceiveMessage((message: FromPage) => this.receive(message)),
      session.onChange(() => this.tell({ kind: 'changed' })),
    );
    if (!asksPerson) return;
    this.disposables.push(
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

  private receive(message: FromPage): void {
    switch (message.kind) {
      case 'ready':
        this.ready = true;
        if (this.asksPerson)
          for (const approval of this.parts.approvals.pending) this.send({ kind: 'approval', approval });
        for (const order of this.early.splice(0)) this.send(order);
        break;
      case 'request':
        void this.request(message.id, message.method, message.params);
        break;
      case 'cancel':
        this.running.get(message.id)?.abort();
        break;
      case 'open':
        void this.show((repository) => this.parts.repositories.open(repository, message.path, message.range));
        break;
      case 'choose':
        void this.show((repository) => this.parts.repositories.openEntity(repository, message.entity));
        break;
      case 'decide':
        if (this.asksPerson && DECISIONS.includes(message.decision)) {
          this.parts.approvals.answer(message.approval, { decision: message.decision });
        }
        break;
    }
  }

  private async request(id: number, method: string, params: object): Promise<void> {
    const abort = new AbortController();
    this.running.set(id, abort);
    try {
      if (!isAllowed(method)) throw new Error(`A page may not ask for ${method}.`);
      const client = await this.parts.session.client();
      const which = ALLOWED[method];
      if (which === 'current') this.repository = await this.parts.repositories.current();
      if (which === 'same') this.repository ??= await this.parts.repositories.current();
      const where = which === 'none' ? {} : { repository: this.repository?.id ?? null };
      const streamed = {
        signal: abort.signal,
        onPartial: (items: unknown[]) => {
          for (const item of items) this.send({ kind: 'part', id, text: (item as { text: string }).text });
        },
      };
      const options = STREAMED.includes(method) ? streamed : { signal: abort.signal };
      // The page is our own and typed the params; the daemon checks them again.
      const result = await client.request(method, { ...params, ...where } as never, options);
      this.send({ kind: 'answer', id, result });
    } catch (error) {
      const code = error instanceof CkitError ? error.code : 'unknown';
      this.send({ kind: 'failure', id, code, message: error instanceof Error ? error.message : String(error) });
    } finally {
      this.running.delete(id);
    }
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

function isAllowed(method: string): method is Allowed {
  return Object.hasOwn(ALLOWED, method);
}

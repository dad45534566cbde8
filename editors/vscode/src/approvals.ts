import { commands, EventEmitter } from 'vscode';
import type { CancellationToken, Disposable } from 'vscode';
import type { Approval, ApprovalRequestResult } from '@ckit/client';

export type Decision = ApprovalRequestResult['decision'];

interface Question {
  approval: Approval;
  settle: (result: ApprovalRequestResult) => void;
}

/** Questions of the daemon that wait for the person; whoever shows them may answer, and the first answer counts. */
export class Approvals implements Disposable {
  private readonly waiting = new Map<string, Question>();
  private readonly asked = new EventEmitter<Approval>();
  private readonly answered = new EventEmitter<{ approval: Approval; decision: Decision | undefined }>();

  readonly onAsk = this.asked.event;
  readonly onAnswer = this.answered.event;

  /** Asks the person; the answer is no where nobody waits for it any more. */
  ask(approval: Approval, token: CancellationToken): Promise<ApprovalRequestResult> {
    return new Promise((resolve) => {
      const listening = token.onCancellationRequested(() => this.answer(approval.id));
      this.waiting.set(approval.id, {
        approval,
        settle: (result) => {
          listening.dispose();
          resolve(result);
        },
      });
      this.tell();
      this.asked.fire(approval);
    });
  }

  /** Answers a question, or takes it back; nothing happens where it was answered before. */
  answer(id: string, result?: ApprovalRequestResult): void {
    const question = this.waiting.get(id);
    if (question === undefined) return;
    this.waiting.delete(id);
    this.tell();
    question.settle(result ?? { decision: 'deny' });
    this.answered.fire({ approval: question.approval, decision: result?.decision });
  }

  /** The daemon that asked is gone, and with it its questions. */
  forget(): void {
    for (const id of [...this.waiting.keys()]) this.answer(id);
  }

  get pending(): Approval[] {
    return [...this.waiting.values()].map(({ approval }) => approval);
  }

  dispose(): void {
    this.forget();
    this.asked.dispose();
    this.answered.dispose();
  }

  private tell(): void {
    void commands.executeCommand('setContext', 'ckit.asking', this.waiting.size > 0);
  }
}

import { CancellationTokenSource, window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { Approval } from '@ckit/client';
import type { Decision } from '../approvals';
import type { Commands, Context } from './context';

/** The command that lets the person answer by keyboard what waits for approval, whoever has asked. */
export function answerCommands({ approvals, proposals, session }: Context): Commands {
  async function answer(): Promise<void> {
    const client = await session.client();
    const { approvals: waiting } = await client.request('ckit/approval/list', {});
    const approval = waiting.length > 1 ? await pick(waiting) : waiting[0];
    if (approval === undefined) {
      if (waiting.length === 0) void window.showInformationMessage('Nothing waits for approval.');
      return;
    }
    await proposals.show(approval);
    const decision = await decide(approval);
    const own = approvals.pending.some(({ id }) => id === approval.id);
    if (decision !== undefined) {
      if (own) approvals.answer(approval.id, { decision });
      else await client.request('ckit/approval/resolve', { id: approval.id, decision });
    }
    // The question of this window keeps its diff for as long as it waits.
    if (decision !== undefined || !own) await proposals.close(approval);
  }

  /** Asks for an answer, unless somebody else gives it meanwhile. */
  async function decide(approval: Approval): Promise<Decision | undefined> {
    const { command, files, sessionId, title } = approval;
    const items: (QuickPickItem & { decision: Decision })[] = [
      { label: '$(check) Allow once', decision: 'allowOnce' },
      ...(sessionId === undefined
        ? []
        : [{ label: '$(check-all) Allow for this session', decision: 'allowForSession' as const }]),
      { label: '$(close) Deny', decision: 'deny' },
    ];
    const placeHolder = command ? `$ ${command.join(' ')}` : (files ?? []).join(', ');
    const answered = new CancellationTokenSource();
    const listening = approvals.onAnswer((event) => {
      if (event.approval.id === approval.id) answered.cancel();
    });
    try {
      const options = { title, placeHolder, ignoreFocusOut: true };
      return (await window.showQuickPick(items, options, answered.token))?.decision;
    } finally {
      listening.dispose();
      answered.dispose();
    }
  }

  return { 'ckit.answer': answer };
}

async function pick(waiting: Approval[]): Promise<Approval | undefined> {
  const items = waiting.map((approval) => ({
    approval,
    label: approval.title,
    description: new Date(approval.createdAt).toLocaleTimeString(),
    detail: approval.command ? `$ ${approval.command.join(' ')}` : (approval.files ?? []).join(', '),
  }));
  return (await window.showQuickPick(items, { title: 'Approvals That Wait' }))?.approval;
}

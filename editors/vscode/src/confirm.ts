import { window } from 'vscode';
import type { QuickPickItem } from 'vscode';
import type { Change, Proposals } from './proposals';

/** Shows a change as a diff, and asks whether it may be made; the diff goes when the person has answered. */
export async function confirmed(
  proposals: Proposals,
  change: Change,
  yes: string,
  notes: string[] = [],
): Promise<boolean> {
  await proposals.show(change);
  try {
    const items: (QuickPickItem & { yes: boolean })[] = [
      { label: `$(check) ${yes}`, yes: true, ...(notes.length > 0 ? { detail: notes.join(' · ') } : {}) },
      { label: '$(close) Leave everything as it is', yes: false },
    ];
    const placeHolder = 'The editor below shows what would change';
    const chosen = await window.showQuickPick(items, { title: change.title, placeHolder, ignoreFocusOut: true });
    return chosen?.yes ?? false;
  } finally {
    await proposals.close(change);
  }
}

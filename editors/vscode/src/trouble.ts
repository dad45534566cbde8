import { commands, window } from 'vscode';
import type { SessionState } from './session';

/** Says why there is no daemon, and offers what can be done. */
export async function explain(state: SessionState): Promise<void> {
  if (state.name === 'missing' || state.name === 'outdated') {
    const install = 'How to Install';
    const choice = await window.showErrorMessage(state.reason, install, 'Set Path', 'Try Again');
    if (choice === install) await commands.executeCommand('ckit.walkthrough');
    if (choice === 'Set Path') await commands.executeCommand('workbench.action.openSettings', 'ckit.path');
    if (choice === 'Try Again') await commands.executeCommand('ckit.restart');
  } else if (state.name === 'failed') {
    const choice = await window.showErrorMessage(`ckit: ${state.reason}`, 'Show Log', 'Start Again');
    if (choice === 'Show Log') await commands.executeCommand('ckit.showLog');
    if (choice === 'Start Again') await commands.executeCommand('ckit.restart');
  }
}

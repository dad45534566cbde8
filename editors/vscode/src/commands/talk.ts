import { window } from 'vscode';
import type { GraphPanel } from '../webviews/graphPanel';
import type { SideView } from '../webviews/sideView';
import type { Commands, Context } from './context';
import { targetOf } from './target';

/** Commands that show the pages: the chat, questions, the graph. */
export function pageCommands(context: Context, pages: { chat: SideView; ask: SideView; graph: GraphPanel }): Commands {
  const { repositories } = context;
  const { ask, chat, graph } = pages;

  return {
    'ckit.openChat': async () => chat.show({ kind: 'earlier' }),
    'ckit.startChat': async (text) => chat.show(typeof text === 'string' ? { kind: 'say', text } : undefined),
    'ckit.newChat': async () => chat.show({ kind: 'clear' }),
    'ckit.askQuestion': async (given) => {
      const title = 'Ask the Repository';
      const question =
        typeof given === 'string'
          ? given
          : await window.showInputBox({ title, prompt: 'The answer names its sources.' });
      if (question) await ask.show({ kind: 'ask', question });
    },
    'ckit.showGraph': async () => graph.show(await repositories.current()),
    'ckit.showInGraph': async (argument) => {
      const target = await targetOf(repositories, argument, 'Impact in the Graph');
      if (target) graph.show(target.repository, target.id);
    },
  };
}

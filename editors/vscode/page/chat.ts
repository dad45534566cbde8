import { ChatView } from '../../client/views/chat';
import { makeBridge, memory, post } from './bridge';

const chat = new ChatView(
  makeBridge((order) => {
    if (order.kind === 'say') void chat.say(order.text);
    else if (order.kind === 'clear') chat.clear();
    else if (order.kind === 'earlier') chat.showEarlier();
  }),
);
document.body.append(chat.element);

async function load(sessionId: string): Promise<void> {
  try {
    await chat.load(sessionId);
  } catch {
    // The conversation was deleted meanwhile: a new one begins with the next message.
    chat.clear();
  }
}

// VS Code may put the page away and make it anew; the conversation is then shown again.
const kept = memory.get();
if (typeof kept === 'string') void load(kept);
window.addEventListener('pagehide', () => memory.set(chat.session?.id));
new MutationObserver(() => memory.set(chat.session?.id)).observe(chat.element, { attributes: true });
post({ kind: 'ready' });

import { ChatView } from '../../client/views/chat';
import { makeBridge, memory, post } from './bridge';

const bridge = makeBridge((order) => {
  if (order.kind === 'say') void chat.say(order.text);
  else if (order.kind === 'clear') chat.begin();
  else if (order.kind === 'earlier') chat.showEarlier();
});
const chat = new ChatView(bridge);
document.body.append(chat.element);

// VS Code may put the page away and make it anew; the conversation is then shown again.
const kept = memory.get();
let missed: string | undefined;
if (typeof kept === 'string') void load(kept);
bridge.onRestart(() => {
  if (missed !== undefined && chat.session === undefined) void load(missed);
});
new MutationObserver(() => memory.set(chat.session?.id)).observe(chat.element, { attributes: true });
post({ kind: 'ready' });

async function load(sessionId: string): Promise<void> {
  missed = undefined;
  try {
    await chat.load(sessionId);
  } catch (error) {
    // It was deleted meanwhile: a new one begins with the next message. A daemon that is not there may come yet.
    if ((error as { code?: unknown }).code === 'not_found') chat.clear();
    else missed = sessionId;
  }
}

import { AskView } from '../../client/views/ask';
import { makeBridge, post } from './bridge';

const ask = new AskView(
  makeBridge((order) => {
    if (order.kind === 'ask') void ask.ask(order.question);
  }),
);
document.body.append(ask.element);
post({ kind: 'ready' });

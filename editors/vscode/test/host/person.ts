import { window } from 'vscode';
import type { InputBoxOptions, MessageItem, MessageOptions, QuickPickItem, QuickPickOptions } from 'vscode';

/** What a person does with one question: chooses the entry or button that has this text, or types it. */
export type Answer =
  string | undefined | ((seen: { title: string; labels: string[]; notes: string[] }) => string | undefined);

/** What was asked and told while a person answered. */
export interface Seen {
  /** What questions were called, in their order. */
  questions: string[];
  messages: string[];
  /** What stands below each message. */
  details: string[];
  /** The buttons of each message. */
  offers: string[][];
}

/**
 * Runs something while a person answers its questions in this order. Messages are questions where they are modal;
 * others are read and left alone.
 *
 * @throws Error where a question has no answer, or an answer no question.
 */
export async function answering(answers: Answer[], run: () => Thenable<unknown>): Promise<Seen> {
  const left = [...answers];
  const seen: Seen = { questions: [], messages: [], details: [], offers: [] };
  const next = (title: string, labels: string[], notes: string[]): string | undefined => {
    seen.questions.push(title);
    if (left.length === 0) throw new Error(`Nobody answers: ${title} (${labels.join(', ')})`);
    const answer = left.shift();
    return typeof answer === 'function' ? answer({ title, labels, notes }) : answer;
  };

  const pick = async (given: unknown, options: QuickPickOptions = {}): Promise<unknown> => {
    const items = (await given) as (string | QuickPickItem)[];
    const label = (item: string | QuickPickItem): string => (typeof item === 'string' ? item : item.label);
    const notes = items.map((item) =>
      typeof item === 'string' ? '' : `${item.description ?? ''} ${item.detail ?? ''}`,
    );
    const answer = next(options.title ?? '', items.map(label), [options.placeHolder ?? '', ...notes]);
    if (answer === undefined) return undefined;
    const found = items.find((item) => label(item).includes(answer));
    if (found === undefined) throw new Error(`${options.title ?? ''} has no ${answer}: ${items.map(label).join(', ')}`);
    return found;
  };
  const type = async (options: InputBoxOptions = {}): Promise<string | undefined> =>
    next(options.title ?? '', [], [options.prompt ?? '']);
  const tell = async (message: string, ...rest: unknown[]): Promise<unknown> => {
    const { modal = false, detail = '' } = typeof rest[0] === 'object' ? (rest[0] as MessageOptions) : {};
    const buttons = rest.filter((each): each is string => typeof each === 'string');
    seen.messages.push(message);
    seen.details.push(detail);
    seen.offers.push(buttons);
    if (!modal) return undefined;
    const answer = next(message, buttons, []);
    if (answer !== undefined && !buttons.includes(answer)) throw new Error(`${message} has no ${answer}.`);
    return answer as unknown as MessageItem | undefined;
  };

  const before = { ...window };
  Object.assign(window, {
    showQuickPick: pick,
    showInputBox: type,
    showInformationMessage: tell,
    showWarningMessage: tell,
    showErrorMessage: tell,
  });
  try {
    await run();
  } finally {
    const { showErrorMessage, showInformationMessage, showInputBox, showQuickPick, showWarningMessage } = before;
    Object.assign(window, {
      showErrorMessage,
      showInformationMessage,
      showInputBox,
      showQuickPick,
      showWarningMessage,
    });
  }
  if (left.length > 0) throw new Error(`These answers had no question: ${left.join(', ')}; ${JSON.stringify(seen)}`);
  return seen;
}

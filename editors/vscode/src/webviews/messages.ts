import type { Approval, Range, RequestMethod, TurnEvent } from '@ckit/client';

/** Which repository a method is about: that of the page, that of the person's editor, or none. */
export type Which = 'same' | 'current' | 'none';

type Methods = { [M in RequestMethod]?: Which };

/** What any page may ask the daemon for. */
export const ALLOWED = {
  'ckit/repo/graph': 'same',
  'ckit/repo/impact': 'same',
  'ckit/rag/query': 'current',
} as const satisfies Methods;

/** What the page may ask for besides that asks the person, and nothing else. */
export const ALLOWED_CHAT = {
  'ckit/entity/list': 'same',
  'ckit/provider/list': 'none',
  'ckit/provider/models': 'none',
  'ckit/session/create': 'current',
  'ckit/session/list': 'current',
  'ckit/session/get': 'none',
  'ckit/session/rename': 'none',
  'ckit/session/fork': 'none',
  'ckit/session/archive': 'none',
  'ckit/session/delete': 'none',
  'ckit/session/export': 'none',
  'ckit/session/compact': 'none',
  'ckit/turn/start': 'none',
  'ckit/turn/steer': 'none',
  'ckit/approval/list': 'none',
  'ckit/approval/resolve': 'none',
} as const satisfies Methods;

export type Allowed = keyof typeof ALLOWED | keyof typeof ALLOWED_CHAT;

/** Methods whose answers come in parts. */
export const STREAMED: readonly string[] = ['ckit/rag/query'] satisfies Allowed[];

/** From a page to the extension. */
export type FromPage =
  | { kind: 'ready' }
  | { kind: 'request'; id: number; method: string; params: object }
  | { kind: 'cancel'; id: number }
  | { kind: 'open'; path: string; range: Range }
  | { kind: 'choose'; entity: string }
  /** What is open in the editor; answered like a request, as the next one is. */
  | { kind: 'editor'; id: number }
  | { kind: 'save'; id: number; text: string };

type Fields = Record<string, unknown>;

const KINDS: Record<FromPage['kind'], (message: Fields) => boolean> = {
  ready: () => true,
  request: ({ id, method, params }) => isNumber(id) && isText(method) && isObject(params),
  cancel: ({ id }) => isNumber(id),
  open: ({ path, range }) => isText(path) && isRange(range),
  choose: ({ entity }) => isText(entity),
  editor: ({ id }) => isNumber(id),
  save: ({ id, text }) => isNumber(id) && isText(text),
};

/** What a page has sent, if it is one of the messages that there are. */
export function fromPage(message: unknown): FromPage | undefined {
  if (!isObject(message) || !isText(message['kind']) || !Object.hasOwn(KINDS, message['kind'])) return undefined;
  return KINDS[message['kind'] as FromPage['kind']](message) ? (message as FromPage) : undefined;
}

function isRange(value: unknown): boolean {
  return isObject(value) && [value['start'], value['end']].every(isPosition);
}

function isPosition(value: unknown): boolean {
  return isObject(value) && isNumber(value['line']) && isNumber(value['character']);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** What the extension wants a page to do. */
export type Order =
  | { kind: 'ask'; question: string }
  | { kind: 'say'; text: string }
  | { kind: 'clear' }
  | { kind: 'earlier' }
  | { kind: 'highlight'; entity: string };

/** From the extension to a page. */
export type ToPage =
  | Order
  | { kind: 'answer'; id: number; result: unknown }
  | { kind: 'failure'; id: number; code: string; message: string }
  | { kind: 'part'; id: number; text: string }
  | { kind: 'turnEvent'; event: TurnEvent }
  | { kind: 'approval'; approval: Approval }
  | { kind: 'answered'; approval: string; decision: Approval['decision'] | undefined }
  | { kind: 'restarted' }
  | { kind: 'changed' };

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

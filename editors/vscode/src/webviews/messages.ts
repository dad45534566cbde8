import type { Approval, ApprovalRequestResult, Range, RequestMethod, TurnEvent } from '@ckit/client';

/** What a page may ask the daemon for, and nothing else; and about which repository, where the method takes one. */
export const ALLOWED = {
  'ckit/repo/graph': 'same',
  'ckit/repo/impact': 'same',
  'ckit/session/create': 'current',
  'ckit/session/get': 'none',
  'ckit/turn/start': 'none',
  'ckit/turn/steer': 'none',
  'ckit/rag/query': 'current',
} as const satisfies { [M in RequestMethod]?: 'same' | 'current' | 'none' };

export type Allowed = keyof typeof ALLOWED;

/** Methods whose answers come in parts. */
export const STREAMED: readonly string[] = ['ckit/rag/query'] satisfies Allowed[];

export type Decision = ApprovalRequestResult['decision'];

/** From a page to the extension. */
export type FromPage =
  | { kind: 'ready' }
  | { kind: 'request'; id: number; method: string; params: object }
  | { kind: 'cancel'; id: number }
  | { kind: 'open'; path: string; range: Range }
  | { kind: 'choose'; entity: string }
  | { kind: 'decide'; approval: string; decision: Decision };

/** What the extension wants a page to do. */
export type Order =
  | { kind: 'ask'; question: string }
  | { kind: 'say'; text: string }
  | { kind: 'load'; sessionId: string }
  | { kind: 'clear' }
  | { kind: 'highlight'; entity: string };

/** From the extension to a page. */
export type ToPage =
  | Order
  | { kind: 'answer'; id: number; result: unknown }
  | { kind: 'failure'; id: number; code: string; message: string }
  | { kind: 'part'; id: number; text: string }
  | { kind: 'turnEvent'; event: TurnEvent }
  | { kind: 'approval'; approval: Approval }
  | { kind: 'answered'; approval: string; decision: Decision | undefined }
  | { kind: 'changed' };

import type { Approval, RequestMethod, TurnEvent } from '@ckit/client';

/** What the page may ask the daemon for, and nothing else. */
export const ALLOWED = [
  'ckit/repo/list',
  'ckit/repo/validate',
  'ckit/repo/graph',
  'ckit/repo/impact',
  'ckit/entity/get',
  'ckit/entity/list',
  'ckit/entity/update',
  'ckit/file/read',
  'ckit/session/create',
  'ckit/session/list',
  'ckit/session/get',
  'ckit/session/rename',
  'ckit/session/fork',
  'ckit/session/archive',
  'ckit/session/delete',
  'ckit/session/export',
  'ckit/session/compact',
  'ckit/turn/start',
  'ckit/turn/steer',
  'ckit/approval/list',
  'ckit/approval/resolve',
  'ckit/provider/list',
  'ckit/provider/models',
  'ckit/spec/generate',
  'ckit/code/apply',
  'ckit/rag/query',
] as const satisfies readonly RequestMethod[];

export type Allowed = (typeof ALLOWED)[number];

/** An answer on its way through Electron, which drops what errors are made of. */
export type Answer = { ok: true; result: unknown } | { ok: false; code: string; message: string };

export type DaemonState = { name: 'starting' | 'running' | 'waiting' | 'failed' | 'stopped'; detail: string };

/** What the preload script offers to the page as `window.ckit`. */
export interface Api {
  request(id: number, method: string, params: object): Promise<Answer>;
  cancel(id: number): void;
  onPart(listener: (id: number, items: unknown[]) => void): void;
  onTurnEvent(listener: (event: TurnEvent) => void): void;
  onApproval(listener: (approval: Approval) => void): void;
  onApprovalOver(listener: (id: string) => void): void;
  onChange(listener: () => void): void;
  onState(listener: (state: DaemonState, folder: string) => void): void;
  chooseFolder(): Promise<void>;
  openFile(path: string): Promise<Answer>;
  /** Lets the person choose where a text is written. */
  saveText(name: string, text: string): Promise<Answer>;
}

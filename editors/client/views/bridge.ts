import type {
  Approval,
  FileAttachment,
  ParamsOf,
  Range,
  RequestMethod,
  ResultOf,
  SelectionAttachment,
  TurnEvent,
} from '@ckit/protocol';

/** What a page needs of the host around it: a narrow way to the daemon. */
export interface Bridge {
  /** Asks the daemon; about the repository that the host has in view, where the params name none. */
  request<M extends RequestMethod>(method: M, params: ParamsOf<M>): Promise<ResultOf<M>>;
  /** Streams the parts of an answer; the promise holds what counts. */
  stream<M extends RequestMethod>(
    method: M,
    params: ParamsOf<M>,
    onPart: (text: string) => void,
  ): { result: Promise<ResultOf<M>>; cancel(): void };
  onTurnEvent(listener: (event: TurnEvent) => void): void;
  /** Called with each question to the person; `ckit/approval/resolve` takes the answer. */
  onApproval(listener: (approval: Approval) => void): void;
  /** Called where a question is over: with the decision that the host has taken, if it was that. */
  onApprovalOver(listener: (id: string, decision?: Approval['decision']) => void): void;
  /** The daemon has a new picture of the repository. */
  onChange(listener: () => void): void;
  /** A daemon runs, in place of one that is gone. */
  onRestart(listener: () => void): void;
  /** Shows a place of a file to the person. */
  open(path: string, range: Range): void;
  /** Has the person save a text, or shows it to them in a new document. */
  save(name: string, text: string): Promise<void>;
  /** What the person has open and selected, where the host is an editor. */
  inEditor?(): Promise<(FileAttachment | SelectionAttachment)[]>;
}

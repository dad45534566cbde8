import type {
  Approval,
  ApprovalRequestResult,
  ParamsOf,
  Range,
  RequestMethod,
  ResultOf,
  TurnEvent,
} from '@ckit/protocol';

/** What a page needs of the host around it: a narrow way to the daemon. */
export interface Bridge {
  request<M extends RequestMethod>(method: M, params: ParamsOf<M>): Promise<ResultOf<M>>;
  /** Streams the parts of an answer; the promise holds what counts. */
  stream<M extends RequestMethod>(
    method: M,
    params: ParamsOf<M>,
    onPart: (text: string) => void,
  ): { result: Promise<ResultOf<M>>; cancel(): void };
  onTurnEvent(listener: (event: TurnEvent) => void): void;
  /** Called with each question to the person; the answer goes back to the daemon. */
  onApproval(ask: (approval: Approval) => Promise<ApprovalRequestResult>): void;
  /** Called where a question was answered outside the page; without a decision where it is not asked any more. */
  onApprovalAnswered?(listener: (id: string, decision?: ApprovalRequestResult['decision']) => void): void;
  /** The daemon has a new picture of the repository. */
  onChange(listener: () => void): void;
  /** Shows a place of a file to the person. */
  open(path: string, range: Range): void;
}

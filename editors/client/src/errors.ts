import type { ErrorCode, ErrorData, JsonValue } from '@ckit/protocol';
import { ConnectionError, ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';

/** An error answer of the daemon: a stable code for programs, and a message for people. */
export class CkitError extends Error {
  override readonly name = 'CkitError';
  readonly code: ErrorCode | 'unknown';
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** When to try again, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, JsonValue>;

  constructor(message: string, data?: Partial<ErrorData>) {
    super(message);
    this.code = data?.code ?? 'unknown';
    this.retryable = data?.retryable ?? false;
    this.retryAfterMs = data?.retryAfterMs;
    this.details = data?.details ?? {};
  }
}

/** The connection is gone: the daemon ended, could not be started, or was disposed of. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError';
}

/** What a connection says of itself where nobody is at its other end; the daemon has said none of it. */
const GONE: readonly number[] = [
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
];

/** Turns whatever a connection throws into one of ours; an error that is none of its own stays what it is. */
export function toCkitError(error: unknown): unknown {
  if (error instanceof ConnectionError || (error instanceof Error && GONE.includes(codeOf(error)))) {
    return new ConnectionClosedError('The daemon ended before it answered. Try again.');
  }
  if (error instanceof ResponseError || isErrorAnswer(error)) {
    const data = (error as { data?: unknown }).data;
    return new CkitError(error.message, isObject(data) ? (data as Partial<ErrorData>) : undefined);
  }
  return error;
}

// Another copy of vscode-jsonrpc, such as the one in vscode-languageclient, has a class of its own.
function isErrorAnswer(error: unknown): error is Error & { code: number } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number' && 'data' in error;
}

function codeOf(error: Error): number {
  return Number((error as { code?: unknown }).code);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What an error says to people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { visibleText } from './text/visible-text.ts';

// Errors say who must act. Unknown errors are treated as retryable by whoever retries.

type Cause = { cause?: unknown };

/** The operator must act: wrong configuration, wrong credentials, unknown host key. Retrying changes nothing. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(message: string, options?: Cause) {
    super(message, options);
  }
}

/** This input can never succeed (a request the service calls invalid, say). Do not retry it. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  constructor(message: string, options?: Cause) {
    super(message, options);
  }
}

/** May succeed later. `retryAfterMs`, where the other side gave one, is obeyed by whoever retries. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly retryAfterMs: number | undefined;
  /** The other side has too much to do with us: whoever retries spreads such retries in time. */
  readonly rateLimited: boolean;
  constructor(message: string, options?: Cause & { retryAfterMs?: number; rateLimited?: boolean }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
    this.rateLimited = options?.rateLimited ?? false;
  }
}

/** A conditional write met a newer version: somebody else was first. Load again and decide again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  constructor(message: string, options?: Cause) {
    super(message, options);
  }
}

/** One line that is safe to log: the message and those of its causes. Redaction is the caller's. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 4 && current !== undefined && current !== null; depth++) {
    const text = visibleText(current instanceof Error ? current.message || current.name : String(current));
    if (text && !parts.includes(text)) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(': ') || 'unknown error';
}

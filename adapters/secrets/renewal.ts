import { ConfigError, describeError, PermanentError, RetryableError } from '../../core/errors.ts';
import type { Logger, Secrets } from '../../core/ports.ts';

export interface Renewal {
  secrets: Pick<Secrets, 'resolve' | 'renew' | 'forget'>;
  /** The texts with references that the work resolves. */
  references: readonly string[];
  /** Names the work in the log. */
  what: string;
  logger?: Pick<Logger, 'warn'> | undefined;
}

/**
 * Does work that resolves secrets. After a permanent failure it reads the secrets again, past the cache, since a receiver
 * may answer a wrong signature or token with any status; if one has changed, it does the work once more. After a temporary
 * failure the next try reads the secrets again.
 * @throws the error of the work. If the secrets cannot be read again, the error says so too, and is retryable if that is
 */
export async function withRenewedSecrets<T>(renewal: Renewal, work: () => Promise<T>): Promise<T> {
  const { secrets, what, logger } = renewal;
  const before = await valuesOf(renewal, secrets.resolve).catch(() => undefined);
  try {
    return await work();
  } catch (error) {
    const isRefusal = error instanceof ConfigError || error instanceof PermanentError;
    if (!isRefusal && !isRateLimit(error)) secrets.forget?.();
    if (!isRefusal || before === undefined || before.length === 0) throw error;
    const after = await valuesOf(renewal, secrets.renew ?? secrets.resolve).catch((cause: unknown) => {
      throw withReason(error, cause);
    });
    if (after.every((value, i) => value === before[i])) throw error;
    logger?.warn('refused, but a secret has changed: it is tried once more with the new value', { what });
    return await work();
  }
}

async function valuesOf({ references }: Renewal, read: (text: string) => Promise<string>): Promise<string[]> {
  return await Promise.all(references.map((text) => read(text)));
}

function isRateLimit(error: unknown): boolean {
  return error instanceof RetryableError && error.rateLimited;
}

/** If reading may succeed later, so may the work: a secret may have changed. */
function withReason(error: ConfigError | PermanentError, unread: unknown): Error {
  const text = `${error.message}; its secrets cannot be read again: ${describeError(unread)}`;
  const { cause } = error;
  if (unread instanceof RetryableError)
    return new RetryableError(text, { cause, retryAfterMs: unread.retryAfterMs });
  return error instanceof ConfigError
    ? new ConfigError(text, { cause })
    : new PermanentError(text, { cause });
}

import { ConfigError, PermanentError, RetryableError } from '../../../core/errors.ts';

interface SdkError {
  name?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Record<string, string> };
  /** What the discovery of endpoints failed of. */
  reason?: unknown;
}

/** The service's answer to accounts that had not used it before 2025-06-20. */
const CLOSED = /existing Timestream for LiveAnalytics customers/i;
/** Credentials that are missing, wrong or run out, from the service or from the SDK before it asks. */
const REFUSED =
  /^(AccessDenied|UnrecognizedClient|InvalidSignature|IncompleteSignature|SignatureDoesNotMatch|MissingAuthenticationToken|InvalidClientTokenId|ExpiredToken|CredentialsProvider|TokenProvider)/;

/**
 * What an error of the SDK means to whoever called it:
 * access, credentials, a missing table, a full quota → ConfigError; a request that is called invalid →
 * PermanentError; throttling, 5xx, network, an answer that cannot be read, anything else → RetryableError.
 */
export function typedError(error: unknown, what: string): ConfigError | PermanentError | RetryableError {
  if (error instanceof ConfigError || error instanceof PermanentError || error instanceof RetryableError)
    return error;
  const cause = ((error as SdkError | null)?.reason ?? error) as SdkError;
  const name = cause?.name ?? 'an error';
  const text = cause?.message || name;
  if (CLOSED.test(text)) {
    return new ConfigError(
      `${what}: this AWS account cannot use Timestream for LiveAnalytics, which takes no new customers since ` +
        '2025-06-20; use a Prometheus-compatible server instead (`store.type: prometheus`), such as Amazon Managed Prometheus',
      { cause },
    );
  }
  if (REFUSED.test(name))
    return new ConfigError(`${what}: refused with these AWS credentials (${name})`, { cause });
  if (name === 'ResourceNotFoundException')
    return new ConfigError(`${what}: no such database or table`, { cause });
  if (name === 'ServiceQuotaExceededException') return new ConfigError(`${what}: a quota is full`, { cause });
  if (name === 'ValidationException') return new PermanentError(`${what}: called invalid`, { cause });
  const status = cause?.$metadata?.httpStatusCode;
  const reason = status === undefined ? name : `${name}, status ${status}`;
  const seconds = Number(cause?.$response?.headers?.['retry-after'] ?? Number.NaN);
  return new RetryableError(`${what}: ${reason}`, {
    cause,
    ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1000 }),
  });
}

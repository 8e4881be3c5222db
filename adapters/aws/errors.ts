import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';

/** What AWS answers when who asks is unknown or may not. Names differ between services and ways to log in. */
const NOT_ALLOWED =
  /^(AccessDenied|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|InvalidClientTokenId|InvalidAccessKeyId|ExpiredToken|CredentialsProvider|TokenProvider|MissingAuthenticationToken|OptInRequired)/;
/** The account lacks a thing that the configuration names. */
const NOT_THERE =
  /^(ResourceNotFound|NoSuchBucket|TableNotFound|PermanentRedirect|AuthorizationHeaderMalformed)/;
const NOT_VALID =
  /^(Validation|ItemCollectionSizeLimit|InvalidParameter|InvalidRequest|EntityTooLarge|SerializationException)/;

interface AwsFailure {
  name?: string;
  message?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
  $retryAfter?: unknown;
}

/**
 * The typed error for what the SDK threw. `what` says what was tried, `table bartizan` say; the SDK's message is taken
 * along, which names actions and resources, no values.
 */
export function awsError(cause: unknown, what: string): ConfigError | PermanentError | RetryableError {
  const { name = '', message = '', code, $metadata } = cause as AwsFailure;
  const said = `${what}: ${[name, message || code].filter(Boolean).join(': ')}`;
  if (/Region is missing/i.test(message)) {
    return new ConfigError(`${what}: no region is set; set AWS_REGION`, { cause });
  }
  if (NOT_ALLOWED.test(name)) return new ConfigError(`${said} (check credentials and policy)`, { cause });
  if (NOT_THERE.test(name)) return new ConfigError(said, { cause });
  if (NOT_VALID.test(name)) return new PermanentError(said, { cause });
  if ($metadata?.httpStatusCode === 403) return new ConfigError(said, { cause });
  return new RetryableError(said, { cause });
}

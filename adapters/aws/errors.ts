import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';

/** Error names for callers that AWS does not know or does not allow. They differ between services and logins. */
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
 * Turns an error of the SDK into a typed one. `what` names the resource, such as `table bartizan`. The SDK's message is
 * kept: it names actions and resources, but no values.
 */
export function awsError(cause: unknown, what: string): ConfigError | PermanentError | RetryableError {
  const { name = '', message = '', code, $metadata } = cause as AwsFailure;
  const described = `${what}: ${[name, message || code].filter(Boolean).join(': ')}`;
  if (/Region is missing/i.test(message)) {
    return new ConfigError(`${what}: no region is set; set AWS_REGION`, { cause });
  }
  if (NOT_ALLOWED.test(name))
    return new ConfigError(`${described} (check credentials and policy)`, { cause });
  if (NOT_THERE.test(name)) return new ConfigError(described, { cause });
  if (NOT_VALID.test(name)) return new PermanentError(described, { cause });
  if ($metadata?.httpStatusCode === 403) return new ConfigError(described, { cause });
  return new RetryableError(described, { cause });
}

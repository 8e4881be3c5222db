import { ConflictError, PermanentError } from '../../core/errors.ts';
import type { AwsClient } from './client.ts';
import { awsError } from './errors.ts';

export interface BucketObject {
  body: Uint8Array;
  /** Changes with the content. */
  version: string;
  /** Names in lower case. */
  metadata: Readonly<Record<string, string>>;
}

export interface PutOptions {
  contentType: string;
  metadata?: Readonly<Record<string, string>>;
  /**
   * Only over that version, or only where there is nothing yet; ConflictError otherwise. Needs to be allowed to read the
   * object (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
   */
  over?: string | 'nothing';
}

/** Objects of a bucket; all throw ConfigError | PermanentError | RetryableError. */
export interface Bucket {
  put(key: string, body: Uint8Array, options: PutOptions): Promise<void>;
  /** Writes an object that must not be there yet. False, and nothing changed, where there is one. */
  create(key: string, body: Uint8Array, options: { contentType: string }): Promise<boolean>;
  /**
   * Undefined when there is no such object, or when its version is still `unless`. S3 reports a missing object only to
   * callers that may list the bucket; to others it says "forbidden".
   */
  get(key: string, unless?: string): Promise<BucketObject | undefined>;
  close(): void;
}

/** Far above the size of any object that we write. */
const LARGEST_BYTES = 64 * 1024 * 1024;

/** Nothing is sent before the first call. */
export async function openBucket(options: { bucket: string; client?: AwsClient }): Promise<Bucket> {
  const { bucket: Bucket, client: settings = {} } = options;
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  // No resolver knows buckets as host names where an emulator listens.
  const client = new S3Client({ ...settings, forcePathStyle: true });
  const what = `bucket ${Bucket}`;
  return {
    async put(Key, Body, { contentType: ContentType, metadata: Metadata = {}, over }) {
      const only = over === undefined ? {} : over === 'nothing' ? { IfNoneMatch: '*' } : { IfMatch: over };
      try {
        await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType, Metadata, ...only }));
      } catch (cause) {
        // 404: the object to replace is gone.
        const { httpStatusCode = 0 } = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
        if (over !== undefined && [404, 409, 412].includes(httpStatusCode))
          throw new ConflictError(`${what}: ${Key} was written by another`, { cause });
        throw awsError(cause, what);
      }
    },
    async create(Key, Body, { contentType: ContentType }) {
      try {
        await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType, IfNoneMatch: '*' }));
        return true;
      } catch (cause) {
        if ((cause as Error).name === 'PreconditionFailed') return false;
        // Two writers at once: S3 asks us to try again (ConditionalRequestConflict).
        throw awsError(cause, what);
      }
    },
    async get(Key, unless) {
      try {
        const {
          Body,
          ContentLength = 0,
          ETag = '',
          Metadata = {},
        } = await client.send(new GetObjectCommand({ Bucket, Key, IfNoneMatch: unless }));
        if (!Body) return undefined;
        if (ContentLength > LARGEST_BYTES)
          throw new PermanentError(`${what}: ${Key} is ${ContentLength} bytes`);
        return { body: await Body.transformToByteArray(), version: ETag, metadata: Metadata };
      } catch (cause) {
        const { name, $metadata } = cause as { name?: string; $metadata?: { httpStatusCode?: number } };
        if (name === 'NoSuchKey' || $metadata?.httpStatusCode === 304) return undefined;
        throw cause instanceof PermanentError ? cause : awsError(cause, what);
      }
    },
    close: () => client.destroy(),
  };
}

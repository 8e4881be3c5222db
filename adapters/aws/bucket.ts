import { PermanentError } from '../../core/errors.ts';
import type { AwsClient } from './client.ts';
import { awsError } from './errors.ts';

export interface BucketObject {
  body: Uint8Array;
  /** Changes with the content. */
  version: string;
  /** Names in lower case. */
  metadata: Readonly<Record<string, string>>;
}

/** Objects of a bucket; all throw ConfigError | PermanentError | RetryableError. */
export interface Bucket {
  put(
    key: string,
    body: Uint8Array,
    options: { contentType: string; metadata?: Readonly<Record<string, string>> },
  ): Promise<void>;
  /**
   * Undefined when there is none: S3 says so only to who may also list the bucket, and else that it is forbidden; or
   * when it is still of the version `unless`.
   */
  get(key: string, unless?: string): Promise<BucketObject | undefined>;
  close(): void;
}

/** Far above what is kept in buckets here; a larger object is none of ours. */
const LARGEST_BYTES = 64 * 1024 * 1024;

/** Nothing is sent before the first call. */
export async function openBucket(options: { bucket: string; client?: AwsClient }): Promise<Bucket> {
  const { bucket: Bucket, client: settings = {} } = options;
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  // Names of buckets as host names are known to no resolver where an emulator listens.
  const client = new S3Client({ ...settings, forcePathStyle: true });
  const what = `bucket ${Bucket}`;
  return {
    async put(Key, Body, { contentType: ContentType, metadata: Metadata = {} }) {
      try {
        await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType, Metadata }));
      } catch (cause) {
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

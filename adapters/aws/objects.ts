import type { AwsClient } from './client.ts';
import { awsError } from './errors.ts';

/** Small objects of one bucket. All calls @throws ConfigError | PermanentError | RetryableError */
export interface Objects {
  /** Undefined when there is none. `unless`: the version that is known; then undefined stands for it, too. */
  get(key: string, unless?: string): Promise<StoredObject | undefined>;
  put(
    key: string,
    body: string | Uint8Array,
    options: { contentType: string; metadata?: Record<string, string> },
  ): Promise<void>;
}

export interface StoredObject {
  body: Uint8Array;
  /** Changes with the content. */
  version: string;
  metadata: Readonly<Record<string, string>>;
}

/** `pathStyle`: the bucket stands in the path, for emulators that have no names for buckets. */
export async function openObjects(
  bucket: string,
  { pathStyle = false, ...client }: AwsClient & { pathStyle?: boolean } = {},
): Promise<Objects> {
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const s3 = new S3Client({ ...client, forcePathStyle: pathStyle });
  return {
    async get(key, unless) {
      const asked = { Bucket: bucket, Key: key, ...(unless !== undefined && { IfNoneMatch: unless }) };
      try {
        const answer = await s3.send(new GetObjectCommand(asked));
        const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
        return { body, version: answer.ETag ?? '', metadata: answer.Metadata ?? {} };
      } catch (cause) {
        const { name, $metadata } = cause as { name?: string; $metadata?: { httpStatusCode?: number } };
        if (name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 304)
          return undefined;
        throw awsError(cause, `object ${bucket}/${key}`);
      }
    },
    async put(key, body, { contentType, metadata }) {
      const object = { Bucket: bucket, Key: key, Body: body, ContentType: contentType, Metadata: metadata };
      await s3.send(new PutObjectCommand(object)).catch((cause: unknown) => {
        throw awsError(cause, `object ${bucket}/${key}`);
      });
    },
  };
}

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib';
import type { Counters } from '../../core/ports.ts';
import { openBucket } from '../aws/bucket.ts';
import type { AwsClient } from '../aws/client.ts';

const gzip = promisify(gzipCallback);
const gunzip = promisify(gunzipCallback);

export interface S3CountersOptions {
  bucket: string;
  /** Before every key; ends in `/`. */
  prefix?: string;
  client?: AwsClient;
}

/** S3 allows 1024 bytes for a key. */
const LONGEST_NAME = 500;

/**
 * Counters of the previous round, as one object of gzipped JSON per batch: S3 accepts any size, and charges nothing for
 * what a round overwrites. @throws as `Bucket`
 */
export async function openS3Counters(options: S3CountersOptions): Promise<Counters> {
  const { prefix = 'counters/' } = options;
  const bucket = await openBucket(options);
  return {
    async load(key) {
      const found = await bucket.get(prefix + nameOf(key));
      return found && (JSON.parse((await gunzip(found.body)).toString('utf8')) as unknown);
    },
    async save(key, value) {
      const body = await gzip(JSON.stringify(value));
      await bucket.put(prefix + nameOf(key), body, { contentType: 'application/gzip' });
    },
  };
}

/** A readable name where possible; two keys never share one. */
function nameOf(key: string): string {
  const name = encodeURIComponent(key);
  if (name.length <= LONGEST_NAME) return `${name}.json.gz`;
  return `sha256-${createHash('sha256').update(key).digest('hex')}.gz`;
}

import { createHash } from 'node:crypto';
import type { Bucket, BucketObject } from '../adapters/aws/bucket.ts';
import { ConflictError } from '../core/errors.ts';

/** The key under which people upload the configuration. */
export const CONFIG_KEY = 'config/bartizan.yaml';

export interface MemoryBucket extends Pick<Bucket, 'get' | 'put'> {
  files: Map<string, BucketObject>;
  /** Writes as a person with other tools does. */
  putText(key: string, text: string): void;
  /** The keys in the order in which they were written, or read. */
  writes: string[];
  reads: string[];
}

/** A bucket in memory. As in S3 the version follows from the content. */
export function createMemoryBucket(): MemoryBucket {
  const files: MemoryBucket['files'] = new Map();
  const writes: string[] = [];
  const reads: string[] = [];
  function keep(key: string, body: Uint8Array, metadata: Readonly<Record<string, string>> = {}): void {
    const version = `"${createHash('md5').update(body).digest('hex')}"`;
    files.set(key, { body: Uint8Array.from(body), version, metadata });
    writes.push(key);
  }
  return {
    files,
    writes,
    reads,
    putText: (key, text) => keep(key, Buffer.from(text)),
    async put(key, body, { metadata, over }) {
      const version = files.get(key)?.version ?? 'nothing';
      if (over !== undefined && over !== version) throw new ConflictError(`${key} was written by another`);
      keep(key, body, metadata);
    },
    async get(key, unless) {
      reads.push(key);
      const found = files.get(key);
      return found?.version === unless ? undefined : found;
    },
  };
}

import { expect, it } from 'vitest';
import { SIGNATURES_KEY } from '../adapters/aws/deployment.ts';
import { createMemoryBucket } from '../test/memory-bucket.ts';
import { bucketSignatures } from './bucket-signatures.ts';

it('are read again after five minutes at most, and then only when they have changed', async () => {
  let nowMs = 0;
  const bucket = createMemoryBucket();
  const source = bucketSignatures(async () => bucket, { nowMs: () => nowMs });
  await expect(source.load(undefined)).rejects.toThrow(`the bucket has no ${SIGNATURES_KEY}`);
  await bucket.put(SIGNATURES_KEY, Buffer.from('one'), { contentType: 'application/json' });
  const first = await source.load(undefined);
  expect(first?.text).toBe('one');
  await bucket.put(SIGNATURES_KEY, Buffer.from('two'), { contentType: 'application/json' });
  nowMs = 299_999;
  expect(await source.load(first?.version)).toBeUndefined();
  nowMs = 300_000;
  const second = await source.load(first?.version);
  expect(second?.text).toBe('two');
  nowMs = 600_000;
  expect(await source.load(second?.version)).toBeUndefined();
});

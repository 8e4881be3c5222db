import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, ConflictError } from '../../core/errors.ts';
import { type Emulator, startEmulator } from '../../localstack/emulator.ts';
import { openS3Charts } from '../charts/s3.ts';
import { openS3Counters } from '../counters/s3.ts';
import { openBucket } from './bucket.ts';

const bucket = `bartizan-${process.pid}-${Date.now()}`;
let emulator: Emulator;
let s3: S3Client;
beforeAll(async () => {
  emulator = await startEmulator();
  s3 = new S3Client({ ...emulator.client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  s3.destroy();
  await emulator.stop();
});

async function keysUnder(Prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
  return Contents.map(({ Key = '' }) => Key);
}

describe('an object', () => {
  const type = { contentType: 'text/plain' };
  const write = async (text: string, over?: string) => {
    const files = await openBucket({ bucket, client: emulator.client });
    await files.put('marks/one', Buffer.from(text), { ...type, ...(over !== undefined && { over }) });
    return (await files.get('marks/one'))?.version ?? '';
  };

  it('is written over the version that was read, and over no other', async () => {
    const first = await write('1', 'nothing');
    await expect(write('2', 'nothing')).rejects.toThrow(ConflictError);
    const second = await write('2', first);
    await expect(write('3', first)).rejects.toThrow(ConflictError);
    expect(await write('2')).toBe(second);
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'marks/one' }));
    await expect(write('3', second)).rejects.toThrow(ConflictError);
  });
});

describe('counters in a bucket', () => {
  it('are kept as they were saved last, one object a key, whatever the key', async () => {
    const counters = await openS3Counters({ bucket, client: emulator.client });
    expect(await counters.load('batch 0')).toBeUndefined();
    const keys = ['batch 0', 'seoul/0:usage', '../up', '감시', 'x'.repeat(900), `${'x'.repeat(900)}y`];
    for (const key of keys) await counters.save(key, { key, cpu: [1, 2.5], none: null });
    for (const key of keys) expect(await counters.load(key)).toEqual({ key, cpu: [1, 2.5], none: null });
    await counters.save('batch 0', 7);
    expect(await counters.load('batch 0')).toBe(7);
    expect(await keysUnder('counters/')).toHaveLength(keys.length);
  });
});

describe('charts in a bucket', () => {
  const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255]);
  const nameOf = (url: string | undefined) => url?.split('/').at(-1) ?? '';

  it('are found under names nobody guesses until they expire', async () => {
    let nowMs = 1000;
    const options = { bucket, client: emulator.client, retentionMs: 500, clock: { nowMs: () => nowMs } };
    const charts = await openS3Charts({ ...options, publicUrl: 'https://bartizan.example.net/' });
    const [url, other] = [await charts.put(png), await charts.put(png)];
    expect(url).toMatch(/^https:\/\/bartizan\.example\.net\/charts\/[\w-]{22}\.png$/);
    expect(other).not.toBe(url);
    expect(await charts.get(nameOf(url))).toEqual(png);
    nowMs = 1499;
    expect(await charts.get(nameOf(url))).toEqual(png);
    nowMs = 1500;
    expect(await charts.get(nameOf(url))).toBeUndefined();
    const Key = `charts/${nameOf(url)}`;
    const { ContentType, Metadata } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
    expect({ ContentType, Metadata }).toEqual({
      ContentType: 'image/png',
      Metadata: { 'expires-at-ms': '1500' },
    });
  });

  it('are not kept without a server, and nothing else of the bucket is given out', async () => {
    const clock = { nowMs: () => 0 };
    const charts = await openS3Charts({ bucket, client: emulator.client, retentionMs: 500, clock });
    const before = await keysUnder('');
    expect(await charts.put(png)).toBeUndefined();
    expect(await keysUnder('')).toEqual(before);
    const unmarked = `${'a'.repeat(22)}.png`;
    const objects = await openBucket({ bucket, client: emulator.client });
    await objects.put(`charts/${unmarked}`, png, { contentType: 'image/png' });
    for (const name of [unmarked, `${'b'.repeat(22)}.png`, '../counters/batch%200.json.gz', '']) {
      expect(await charts.get(name), name).toBeUndefined();
    }
  });

  it('say whose fault it is that there is no bucket', async () => {
    const options = { bucket: `${bucket}-none`, client: emulator.client };
    const counters = await openS3Counters(options);
    await expect(counters.save('a', 1)).rejects.toThrow(ConfigError);
    await expect(counters.load('a')).rejects.toThrow(/^bucket bartizan-.*: NoSuchBucket/);
  });
});

it('an object that must be new is never written over', async () => {
  const files = await openBucket({ bucket, client: emulator.client });
  const options = { contentType: 'text/plain' };
  const [first, second] = [Buffer.from('first'), Buffer.from('second')];
  expect(await files.create('audit/1', first, options)).toBe(true);
  expect(await files.create('audit/1', second, options)).toBe(false);
  expect(Buffer.from((await files.get('audit/1'))?.body ?? []).toString()).toBe('first');
  files.close();
});

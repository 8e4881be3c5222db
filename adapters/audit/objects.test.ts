import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RetryableError } from '../../core/errors.ts';
import type { AuditEntry } from '../../core/model/audit.ts';
import { createObjectAudit } from './objects.ts';
import { verifyAudit } from './read-chain.ts';

const DAY = Date.UTC(2026, 0, 2);
const entry = (target: string): AuditEntry => ({
  atMs: DAY,
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
});

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function setup() {
  const objects = new Map<string, string>();
  const fault = { refuses: false, losesAnswer: false };
  const bucket = {
    async create(key: string, body: Uint8Array) {
      if (fault.refuses) throw new Error('503');
      if (objects.has(key)) return false;
      objects.set(key, gunzipSync(body).toString('utf8'));
      if (fault.losesAnswer) throw new Error('the connection ended');
      return true;
    },
  };
  const audit = createObjectAudit({
    bucket,
    prefix: 'audit/',
    writer: 'probe/[$LATEST]1/u',
    nowMs: () => DAY,
  });
  const targets = () =>
    [...objects.values()].map((text) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).target),
    );
  return { audit, objects, fault, targets };
}

async function verdict(objects: ReadonlyMap<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), 'objects-'));
  const file = join(dir, 'audit.jsonl');
  writeFileSync(file, [...objects.values()].join(''));
  return verifyAudit(file).finally(() => rmSync(dir, { recursive: true }));
}

it('a batch is one object, however long it takes', async () => {
  const { audit, objects, targets } = setup();
  const written = [audit.append([entry('a/1')])];
  for (const target of ['a/2', 'a/3']) {
    await vi.advanceTimersByTimeAsync(5_000);
    written.push(audit.append([entry(target)]));
  }
  expect(objects.size).toBe(0);
  await audit.flush?.();
  await Promise.all(written);
  expect([...objects.keys()]).toEqual(['audit/2026-01-02/probe/-LATEST-1/u/000000001.jsonl.gz']);
  expect(targets()).toEqual([['a/1', 'a/2', 'a/3']]);
  expect(audit.head()).toMatchObject({ sequence: 3 });
});

it('a slow batch is written every twenty seconds, and chained over its objects', async () => {
  const { audit, objects, targets } = setup();
  const first = audit.append([entry('a/1')]);
  await vi.advanceTimersByTimeAsync(20_000);
  await first;
  void audit.append([entry('a/2')]);
  await audit.close();
  expect(targets()).toEqual([['a/1'], ['a/2']]);
  expect(await verdict(objects)).toMatchObject({ ok: true, entries: 2, head: { sequence: 2 } });
});

it('entries that the bucket refuses fail their callers, and go with the next write', async () => {
  const { audit, objects, fault, targets } = setup();
  fault.refuses = true;
  const refused = expect(audit.append([entry('a/1')])).rejects.toThrow('503');
  await expect(audit.flush?.()).rejects.toThrow('503');
  await refused;
  expect(audit.head().sequence).toBe(0);
  await expect(audit.flush?.()).rejects.toThrow('503');
  fault.refuses = false;
  await audit.flush?.();
  void audit.append([entry('a/2')]);
  await audit.flush?.();
  expect(targets()).toEqual([['a/1'], ['a/2']]);
  expect(await verdict(objects)).toMatchObject({ ok: true, entries: 2 });
});

it('a write whose answer was lost is repeated under another name, and contains all of it', async () => {
  const { audit, objects, fault, targets } = setup();
  fault.losesAnswer = true;
  void audit.append([entry('a/1')]).catch(() => {});
  await expect(audit.flush?.()).rejects.toThrow('the connection ended');
  fault.losesAnswer = false;
  void audit.append([entry('a/2')]);
  await audit.flush?.();
  const [first = '', second = ''] = objects.values();
  expect([...objects.keys()]).toEqual([
    'audit/2026-01-02/probe/-LATEST-1/u/000000001.jsonl.gz',
    'audit/2026-01-02/probe/-LATEST-1/u/000000001-2.jsonl.gz',
  ]);
  expect(targets()).toEqual([['a/1'], ['a/1', 'a/2']]);
  expect(second.startsWith(first)).toBe(true);
});

it('nothing is written without entries', async () => {
  const { audit, objects } = setup();
  await audit.flush?.();
  await audit.close();
  expect(objects.size).toBe(0);
});

it('names of ten writes whose answers were lost are the most that it tries', async () => {
  const { audit, objects } = setup();
  const name = 'audit/2026-01-02/probe/-LATEST-1/u/000000001';
  objects.set(`${name}.jsonl.gz`, '');
  for (let n = 2; n <= 9; n++) objects.set(`${name}-${n}.jsonl.gz`, '');
  void audit.append([entry('a/1')]).catch(() => {});
  await audit.flush?.();
  expect([...objects.keys()].at(-1)).toBe(`${name}-10.jsonl.gz`);
});

it('fails where all ten names are taken, and keeps the entries', async () => {
  const { audit, objects, fault, targets } = setup();
  const name = 'audit/2026-01-02/probe/-LATEST-1/u/000000001';
  objects.set(`${name}.jsonl.gz`, '{}');
  for (let n = 2; n <= 10; n++) objects.set(`${name}-${n}.jsonl.gz`, '{}');
  const refused = expect(audit.append([entry('a/1')])).rejects.toThrow(RetryableError);
  await expect(audit.flush?.()).rejects.toThrow('exists 10 times');
  await refused;
  expect(audit.head()).toMatchObject({ sequence: 0 });
  objects.delete(`${name}-10.jsonl.gz`);
  await audit.flush?.();
  expect(fault).toEqual({ refuses: false, losesAnswer: false });
  expect(targets().at(-1)).toEqual(['a/1']);
});

it('entries that wait for others are written after twenty seconds, not before', async () => {
  const { audit, objects } = setup();
  const written = audit.append([entry('a/1')]);
  await vi.advanceTimersByTimeAsync(19_999);
  expect(objects.size).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  await written;
  expect(objects.size).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

it('entries that came before those of a refused write stay before them', async () => {
  const { audit, fault, targets } = setup();
  fault.refuses = true;
  const refused = expect(audit.append([entry('a/1')])).rejects.toThrow('503');
  await expect(audit.flush?.()).rejects.toThrow('503');
  await refused;
  fault.refuses = false;
  const both = audit.append([entry('a/2')]);
  await audit.flush?.();
  await both;
  expect(targets()).toEqual([['a/1', 'a/2']]);
  expect(audit.head()).toMatchObject({ writer: 'probe/[$LATEST]1/u', sequence: 2 });
});

it('objects are marked as compressed, and have one line feed behind each line', async () => {
  const types: unknown[] = [];
  const texts: string[] = [];
  const audit = createObjectAudit({
    bucket: {
      async create(_key, body, options) {
        types.push(options?.contentType);
        texts.push(gunzipSync(body).toString('utf8'));
        return true;
      },
    },
    prefix: 'audit/',
    writer: 'w',
    nowMs: () => DAY,
  });
  const written = audit.append([entry('a/1'), entry('a/2')]);
  await audit.flush?.();
  await written;
  expect(types).toEqual(['application/gzip']);
  expect(texts.join('').match(/\n/g)).toHaveLength(2);
  expect(texts.join('')).toMatch(/^\{.*\}\n\{.*\}\n$/);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sample } from '../../../core/model/sample.ts';
import { PERIOD_MS } from '../../../core/numbers/roll-up.ts';
import type { SampleStore } from '../../../core/ports.ts';
import { openSqliteStore } from './store.ts';

const FIRST_MS = Date.UTC(2026, 10, 24);
const MINUTE_MS = 60_000;
const NODES = 100;
const ROUNDS_A_WRITE = 40;
const LIMIT_BYTES = 1024 ** 2;

function round(minute: number): Sample[] {
  return Array.from({ length: NODES }, (_, n) => n).flatMap((n) =>
    ['mem_usage', 'cpu_usage', 'load1'].map((metric) => ({
      metric,
      labels: { cluster: 'c', node: `n${n}`, role: 'etcd' },
      timeMs: FIRST_MS + minute * MINUTE_MS,
      value: minute + n / 7,
    })),
  );
}

/** Each write waits for the disk, so one has many rounds. */
async function writeRounds(store: SampleStore, first: number, end: number): Promise<void> {
  for (let i = first; i < end; i += ROUNDS_A_WRITE) {
    const minutes = Array.from({ length: Math.min(ROUNDS_A_WRITE, end - i) }, (_, n) => i + n);
    await store.write(minutes.flatMap(round));
  }
}

describe('the size of the sqlite store', () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'bartizan-size-'));
  });
  afterEach(() => rmSync(path, { recursive: true }));

  async function fill(minutes: number, maxBytes?: number) {
    const store = openSqliteStore({ path, maxBytes });
    await writeRounds(store, 0, minutes);
    const nowMs = FIRST_MS + minutes * MINUTE_MS;
    const limit = (keepMs: number, mayGrow = true) =>
      store.limitSize?.({ mayGrow, keepFromMs: nowMs - keepMs, nowMs });
    const minutesLeft = async () => {
      const found = await store.query({ metric: 'load1', fromMs: 0, toMs: nowMs, where: { node: ['n7'] } });
      return (found[0]?.points ?? []).map(({ timeMs }) => (timeMs - FIRST_MS) / MINUTE_MS);
    };
    return { store, limit, minutesLeft };
  }
  const rising = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

  it('stays where there is no limit', async () => {
    const { store, limit, minutesLeft } = await fill(20);
    const size = await limit(0);
    expect(size).toMatchObject({ removedRows: 0 });
    expect(size).not.toHaveProperty('maxBytes');
    expect(size?.fileBytes).toBeGreaterThanOrEqual(size?.usedBytes ?? Infinity);
    expect(await minutesLeft()).toEqual(rising(0, 20));
    await store.close();
  });

  it('falls below its limit: the oldest samples go, and no other', async () => {
    const { store, limit, minutesLeft } = await fill(400, LIMIT_BYTES);
    const before = await store.limitSize?.({ mayGrow: true, keepFromMs: 0, nowMs: FIRST_MS });
    expect(before?.usedBytes).toBeGreaterThan(LIMIT_BYTES);
    const size = await limit(30 * MINUTE_MS);
    expect(size?.usedBytes).toBeLessThanOrEqual(LIMIT_BYTES);
    expect(size?.usedBytes).toBeGreaterThan(LIMIT_BYTES / 2);
    expect(size?.maxBytes).toBe(LIMIT_BYTES);
    const left = await minutesLeft();
    expect(left.length).toBeGreaterThan(100);
    expect(left).toEqual(rising(400 - left.length, 400));
    expect(size?.removedRows).toBe((400 - left.length) * NODES);
    await store.close();
  });

  it('writes into what became free: the file grows no further', async () => {
    const { store, limit } = await fill(400, LIMIT_BYTES);
    const { fileBytes } = (await limit(0)) ?? {};
    for (let i = 400; i < 800; i += 10) {
      await writeRounds(store, i, i + 10);
      const nowMs = FIRST_MS + (i + 10) * MINUTE_MS;
      await store.limitSize?.({ mayGrow: true, keepFromMs: nowMs, nowMs });
    }
    expect((await limit(0))?.fileBytes).toBe(fileBytes);
    await store.close();
  });

  it('keeps what rules still read, however large it is', async () => {
    const { store, limit, minutesLeft } = await fill(400, LIMIT_BYTES);
    const size = await limit(390 * MINUTE_MS);
    expect(size?.usedBytes).toBeGreaterThan(LIMIT_BYTES);
    expect(await minutesLeft()).toEqual(rising(10, 400));
    await store.close();
  });

  it('on a disk that is nearly full keeps a part of its file free, without a limit too', async () => {
    const { store, limit, minutesLeft } = await fill(400);
    const { fileBytes = 0, usedBytes = 0 } = (await limit(0, false)) ?? {};
    expect(usedBytes).toBeLessThanOrEqual(0.9 * fileBytes);
    expect((await minutesLeft()).length).toBeGreaterThan(300);
    await store.close();
  });

  it('removes old roll-ups before young samples, and is not misled by a sample of long ago', async () => {
    const { store, limit, minutesLeft } = await fill(400, LIMIT_BYTES);
    await store.write(round(0).map((sample) => ({ ...sample, timeMs: 0 })));
    await store.rollUp(FIRST_MS + 400 * MINUTE_MS);
    await limit(30 * MINUTE_MS);
    const left = await minutesLeft();
    expect(left.length).toBeGreaterThan(60);
    const [rolled] = await store.rollUps({
      metric: 'load1',
      fromMs: 0,
      toMs: FIRST_MS + 400 * MINUTE_MS,
      where: { node: ['n7'] },
    });
    const oldest = FIRST_MS + (left[0] ?? 0) * MINUTE_MS;
    expect(rolled?.points[0]?.timeMs).toBeGreaterThanOrEqual(oldest - PERIOD_MS);
    await store.close();
  });
});

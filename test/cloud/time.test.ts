// Time as AWS keeps it: starts that are late, come twice, or come more often than rounds; messages that come again much
// later.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import { configOf, configText } from '../config-cases.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { spreadStarts } from './starts.ts';

const START = 480_000 * 3_600_000;
const at = (minute: number) => START + minute * MINUTE;
const CHECKS = `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 2m, severity: critical }
routes: [{ name: all, channels: [ops], groupInterval: 1m }]
`;
let dir: string;
let cloud: Cloud;
let probed: Batch[];

function begin(more = CHECKS, shards = 1): void {
  probed = [];
  cloud = startCloud({
    config: configOf(configText({ more })),
    dir,
    startMs: START,
    shards,
    probe(batch) {
      probed.push(batch);
      return { batch, bastion: { ok: true }, observations: [] };
    },
  });
}
const minutesProbed = () => probed.map(({ roundMs }) => (roundMs - START) / MINUTE);
const scheduled = (roundMs: number) => (roundMs - START) / MINUTE;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-time-'));
  spreadStarts(undefined);
  begin();
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

describe('a start of a round', () => {
  it('comes each minute when no pattern expresses the interval, and each round is planned once', async () => {
    await cloud.store.close();
    begin(`checks: [{ name: usage, probe: usage, every: 7m }]\n${CHECKS}`);
    // Rounds are multiples of seven minutes since the epoch; START is not.
    for (let minute = 0; minute < 21; minute++) await cloud.round(at(minute));
    const rounds = minutesProbed();
    expect(rounds).toEqual([...new Set(rounds)]);
    expect(probed.every(({ roundMs }) => roundMs % (7 * MINUTE) === 0)).toBe(true);
    expect(rounds.slice(1).map((minute, i) => minute - (rounds[i] ?? 0))).toEqual(
      rounds.slice(1).map(() => 7),
    );
    expect([rounds.length, cloud.meter.total('rounds_planned_total')]).toEqual([4, 4]);
    expect(cloud.meter.total('rounds_not_due_total')).toBe(17);
  });

  it.each([
    ['one after the other', false],
    ['at once', true],
  ])('that comes twice, %s, plans the round once', async (_, isImmediate) => {
    if (isImmediate) await Promise.all([cloud.start(at(0)), cloud.start(at(0))]);
    else await cloud.start(at(0));
    if (!isImmediate) await cloud.start(at(0));
    await cloud.round(at(0), { tick: false });
    expect(minutesProbed()).toEqual([0]);
  });

  it('that failed is made up for by the next start, whichever that is', async () => {
    cloud.fault.queues = true;
    await expect(cloud.start(at(0))).rejects.toThrow('503');
    cloud.fault.queues = false;
    await cloud.round(at(0));
    expect(minutesProbed()).toEqual([0]);
  });

  it('that comes after the start of a newer round plans nothing', async () => {
    await cloud.round(at(1));
    await cloud.start(at(0));
    await cloud.round(at(2));
    expect(minutesProbed()).toEqual([1, 2]);
  });

  it.each([0, 38, 58, 59.9])('that comes %f s after its time loses no batch', async (seconds) => {
    for (let minute = 0; minute < 5; minute++) {
      await cloud.wait(at(minute) + seconds * 1000);
      await cloud.start(at(minute));
    }
    await cloud.wait(at(6));
    expect(minutesProbed()).toEqual([0, 1, 2, 3, 4]);
    expect(cloud.meter.total('batches_expired_total')).toBe(0);
  });
});

it('a batch that does not begin before its next round is dropped and counted', async () => {
  await cloud.round(START, { tick: true });
  expect(cloud.meter.total('batches_expired_total')).toBe(0);
  const batch: Batch = {
    roundMs: START,
    bastion: 'seoul',
    index: 0,
    count: 1,
    checks: ['usage'],
    targets: [],
    expiresAtMs: START + MINUTE,
  };
  await cloud.queues.send('https://sqs.us-east-1.amazonaws.com/000000000000/probe', [
    { body: JSON.stringify(batch), delaySeconds: 90 },
  ]);
  await cloud.round(START + 2 * MINUTE);
  expect(cloud.meter.total('batches_expired_total')).toBe(1);
});

describe('when evaluate was killed', () => {
  it.each([1, 3])('its message comes back later and moves no mark back (shards: %i)', async (shards) => {
    await cloud.store.close();
    begin(CHECKS, shards);
    await cloud.round(at(0));
    cloud.fault.killed = new Set(['evaluate']);
    await cloud.round(at(1));
    cloud.fault.killed = new Set();
    const marks = async () => {
      const keys = [...cloud.bucket.files.keys()].filter((key) => /^(judged|health)/.test(key)).sort();
      return keys.map((key) => {
        const { roundMs, judgedMs = roundMs } = JSON.parse(
          Buffer.from(cloud.bucket.files.get(key)?.body ?? '').toString(),
        );
        return [key, scheduled(judgedMs)];
      });
    };
    let before = await marks();
    for (let minute = 2; minute < 16; minute++) {
      await cloud.round(at(minute));
      const after = await marks();
      for (const [i, [, mark]] of before.entries())
        expect(after[i]?.[1]).toBeGreaterThanOrEqual(Number(mark));
      before = after;
    }
    expect(before.every(([, mark]) => mark === 15)).toBe(true);
    expect(cloud.meter.total('evaluations_outdated_total')).toBe(shards === 1 ? 1 : shards + 1);
    expect(cloud.dead('evaluate')).toEqual([]);
  });
});

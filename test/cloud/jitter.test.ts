// The scheduler starts each round anywhere in its minute, so two starts may be 119 s apart: a healthy deployment starts
// no alarm.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { alarmsAt } from './example-alarms.ts';
import type { Datum } from './faults.ts';
import { fleetConfig, observeFleet } from './fleet.ts';
import { urlOf } from './stages.ts';
import { EVALUATED_MS, spreadStarts } from './starts.ts';

const START = 480_000 * 3_600_000;
const LATEST_MS = 59_900;
const ROUNDS = 60;
const config = fleetConfig({ bastions: 2, clusters: 4 });
const isEven = (roundMs: number) => (roundMs / MINUTE) % 2 === 0;
let dir: string;
let cloud: Cloud;
let data: Datum[];
let beats: number[];

function begin(shards: number): void {
  const own = mkdtempSync(join(dir, 'store-'));
  data = [];
  beats = [];
  cloud = startCloud({
    config,
    dir: own,
    startMs: START,
    shards,
    probe: observeFleet,
    // The round needs almost all of its interval at its bastion.
    probeMs: () => 58_000,
    heartbeat: { beat: async () => void beats.push(cloud.nowMs()) },
    onMetric: (datum) => data.push(datum),
  });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-jitter-'));
});
afterEach(async () => {
  spreadStarts(undefined);
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

async function reasons(): Promise<unknown> {
  const { body = '' } = await cloud.ask('/healthz');
  return (JSON.parse(body) as { reasons: unknown }).reasons;
}

it.each<[how: string, starts: Parameters<typeof spreadStarts>[0]]>([
  ['on the minute', undefined],
  ['anywhere (seed a)', 'a'],
  ['anywhere (seed b)', 'b'],
  ['anywhere (seed c)', 'c'],
  ['at the end of the minute', () => LATEST_MS],
  ['early and late by turns', (roundMs) => (isEven(roundMs) ? 0 : LATEST_MS)],
  ['early at first and late afterwards', (roundMs) => (roundMs < START + 30 * MINUTE ? 0 : LATEST_MS)],
  ['late at first and early afterwards', (roundMs) => (roundMs < START + 30 * MINUTE ? LATEST_MS : 0)],
])('rounds that start %s start no alarm, and health is ok at any time', async (_, starts) => {
  for (const shards of [1, 3]) {
    spreadStarts(starts);
    if (shards > 1) await cloud.store.close();
    begin(shards);
    const rounds = Array.from({ length: ROUNDS }, (_, minute) => START + minute * MINUTE);
    // The results of a round are oldest just before the evaluation of the next one.
    const events = rounds.flatMap((roundMs) => [
      { atMs: cloud.startOf(roundMs), roundMs },
      { atMs: cloud.startOf(roundMs) + EVALUATED_MS.part - 100, roundMs: undefined },
    ]);
    let oldest = 0;
    for (const { atMs, roundMs } of events.sort((a, b) => a.atMs - b.atMs)) {
      await cloud.wait(atMs);
      if (roundMs !== undefined) await cloud.start(roundMs);
      else if (atMs > START + 2 * MINUTE) expect([atMs - START, await reasons()]).toEqual([atMs - START, []]);
      oldest = Math.max(oldest, cloud.queues.ageOfOldest(urlOf('probe')) ?? 0);
    }
    await cloud.wait(START + (ROUNDS + 2) * MINUTE);
    expect([shards, alarmsAt(data, START, ROUNDS)]).toEqual([shards, { notified: [], on: [] }]);
    expect(cloud.meter.total('rounds_planned_total')).toBe(ROUNDS);
    expect(cloud.meter.total('rounds_total')).toBe(ROUNDS);
    expect(cloud.meter.total('batches_expired_total')).toBe(0);
    expect(beats).toHaveLength(ROUNDS);
    // The alarm on the age of a probe queue begins at two intervals.
    expect(oldest).toBeLessThan(120);
  }
});

it('an evaluation that takes its full time after a start at the end of the minute does not count as late', async () => {
  spreadStarts(() => LATEST_MS);
  begin(1);
  cloud.fault.lateEvaluation = 170;
  for (let minute = 0; minute < 15; minute++) await cloud.round(START + minute * MINUTE);
  const lags = data.filter(({ name }) => name === 'evaluation_lag_seconds').map(({ value }) => value);
  expect(Math.max(...lags)).toBeGreaterThan(220);
  expect(alarmsAt(data, START, 14).on).not.toContain('EvaluationLag');
});

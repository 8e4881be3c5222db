// A round of thirty thousand nodes through the handlers, with fakes that enforce the limits of queue and table.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createMemoryBucket } from '../memory-bucket.ts';
import { startCloud } from './cloud.ts';
import { bastionNames, fleetText, NODES_EACH, observeFleet } from './fleet.ts';
import { measureReading, READINGS, type Reading, type ReadingCost } from './reading.ts';

const START = 480_000 * 3_600_000;
const BASTIONS = 10;
const CLUSTERS = 10_000;
const NODES = CLUSTERS * NODES_EACH;
/** No function may take longer, as most have this time limit. */
const LONGEST_MS = 60_000;
/** Reading a section takes at most this share of the time for the whole file. */
const LEAST_GAIN = 10;
/** Half of the memory of the smallest function, and three quarters of the memory of plan: lib/pipeline.ts. */
const READER_MB = 256;
const PLAN_MB = 1_327;
/** The largest message of a queue. */
const LIMIT_BYTES = 262_144;
it('with thirty thousand nodes no function takes longer than a minute, no message exceeds the limit, and every alert is sent', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-scale-'));
  const bucket = createMemoryBucket();
  const cloud = startCloud({
    config: fleetText({ bastions: BASTIONS, clusters: CLUSTERS }),
    bastions: bastionNames(BASTIONS),
    bucket,
    dir,
    startMs: START,
    shards: 16,
    probe: observeFleet,
  });
  try {
    await cloud.round(START);
    const up = await cloud.store.query({ metric: 'up', fromMs: START, toMs: START });
    expect(up).toHaveLength(NODES);
    expect(up.every(({ points }) => points.length === 1)).toBe(true);
    const all = cloud.sent.flatMap(({ notification }) => notification.alerts);
    const notified = all.filter(({ rule }) => rule !== 'fleet');
    expect(new Set(notified.map(({ labels }) => `${labels.cluster}/${labels.node}`)).size).toBe(NODES / 100);
    // One cluster in a hundred has the value 95, the others have 40.
    expect(all.filter(({ rule }) => rule === 'fleet').map(({ value }) => value)).toEqual([40.55]);
    for (const stage of ['probe', 'store', 'evaluate', 'notify', 'deliver'] as const)
      expect(cloud.dead(stage)).toEqual([]);
    expect(cloud.queues.longest()).toBeLessThan(LIMIT_BYTES);
    const longest = Object.fromEntries(
      [...cloud.runs].map(([stage, runs]) => [stage, Math.round(Math.max(...runs))]),
    );
    process.stdout.write(
      `longest run of each function, ms: ${JSON.stringify(longest)}; longest message ${cloud.queues.longest()} bytes\n`,
    );
    for (const runs of cloud.runs.values()) expect(Math.max(...runs)).toBeLessThan(LONGEST_MS);
    const costs = Object.fromEntries(
      READINGS.map((reading) => [reading, measureReading(reading, bucket, join(dir, 'files'))]),
    ) as Record<Reading, ReadingCost>;
    process.stdout.write(`reading the configuration: ${JSON.stringify(costs)}\n`);
    const { activation, ...readers } = costs;
    // The test compares with the time for the whole file, so that a busy machine does not matter.
    for (const [reading, { cpuMs, peakMb }] of Object.entries(readers)) {
      expect([reading, cpuMs < activation.cpuMs / LEAST_GAIN]).toEqual([reading, true]);
      expect([reading, peakMb < READER_MB]).toEqual([reading, true]);
    }
    expect(activation.peakMb).toBeLessThan(PLAN_MB);
  } finally {
    await cloud.store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

// A round of thirty thousand nodes through the handlers, over fakes that enforce the limits of queue and table.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startCloud } from './cloud.ts';
import { fleetConfig, look, NODES_EACH } from './fleet.ts';

const START = 480_000 * 3_600_000;
const BASTIONS = 10;
const CLUSTERS = 10_000;
const NODES = CLUSTERS * NODES_EACH;
/** No function may need longer: the time limits of most are that. */
const LONGEST_MS = 60_000;
/** Of a queue's message. */
const LIMIT_BYTES = 262_144;
it('thirty thousand nodes: no function longer than a minute, no message over the limit, all told', {
  timeout: 300_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-scale-'));
  const cloud = startCloud({
    config: fleetConfig({ bastions: BASTIONS, clusters: CLUSTERS }),
    dir,
    startMs: START,
    shards: 16,
    probe: look,
  });
  try {
    await cloud.round(START);
    const up = await cloud.store.query({ metric: 'up', fromMs: START, toMs: START });
    expect(up).toHaveLength(NODES);
    expect(up.every(({ points }) => points.length === 1)).toBe(true);
    const all = cloud.sent.flatMap(({ notification }) => notification.alerts);
    const told = all.filter(({ rule }) => rule !== 'fleet');
    expect(new Set(told.map(({ labels }) => `${labels.cluster}/${labels.node}`)).size).toBe(NODES / 100);
    // A hundredth of the clusters has 95, the others have 40.
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
  } finally {
    await cloud.store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

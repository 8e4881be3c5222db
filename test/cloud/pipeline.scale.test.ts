// A round of thirty thousand nodes through the handlers, over fakes that enforce the limits of queue and table.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { METRICS } from '../../core/catalogue.ts';
import type { Batch, BatchObservation, Observation, Sample } from '../../core/model.ts';
import { configOf } from '../config-cases.ts';
import { startCloud } from './cloud.ts';

const START = 480_000 * 3_600_000;
const BASTIONS = 10;
const CLUSTERS_EACH = 1_000;
const NODES_EACH = 3;
const NODES = BASTIONS * CLUSTERS_EACH * NODES_EACH;
/** No function may need longer: the time limits of most are that. */
const LONGEST_MS = 60_000;
/** Of a queue's message. */
const LIMIT_BYTES = 262_144;
const NODE_METRICS = METRICS.filter(({ group }) => group === 'node');
const MOUNT_METRICS = METRICS.filter(({ group }) => group === 'mount');

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5C7Q9mDkVvTFqQ7vU0PVbZxg8J2f1m0cXW2n6cJ5l';
const config = configOf(
  JSON.stringify({
    bastions: Array.from({ length: BASTIONS }, (_, b) => ({
      name: `b${b}`,
      host: `b${b}`,
      user: 'u',
      privateKey: '${env:K}',
      batchSize: 300,
    })),
    clusters: Array.from({ length: BASTIONS * CLUSTERS_EACH }, (_, c) => ({
      name: `c${c}`,
      bastion: `b${c % BASTIONS}`,
      nodes: Array.from({ length: NODES_EACH }, (__, n) => ({
        name: `n${n}`,
        role: 'etcd',
        host: `10.${c}.${n}`,
        hostKeys: [key],
      })),
    })),
    checks: [{ name: 'usage', probe: 'usage', every: '1m' }],
    rules: [
      { name: 'memory', metric: 'mem_usage', above: 90, for: '0s', severity: 'critical' },
      { name: 'disk', metric: 'disk_usage', above: 90, for: '0s' },
      { name: 'down', metric: 'up', below: 1, for: '0s' },
      { name: 'fleet', metric: 'mem_usage', aggregate: { by: ['role'], op: 'avg' }, above: 40, for: '0s' },
    ],
    channels: [{ name: 'ops', type: 'webhook', url: 'http://h/' }],
    routes: [{ name: 'all', channels: ['ops'], groupBy: ['rule'] }],
  }),
);

/** Every hundredth cluster breaches from the first round on. */
function look(batch: Batch): BatchObservation {
  const observations = batch.targets.map((target): Observation => {
    const { cluster, node, role } = target;
    const labels = { cluster, node, role };
    const at = (metric: string, value: number, more = {}): Sample => ({
      metric,
      labels: { ...labels, ...more },
      timeMs: batch.roundMs,
      value,
    });
    const memory = Number(cluster.slice(1)) % 100 === 0 ? 95 : 40;
    const samples = NODE_METRICS.filter(({ name }) => name !== 'up').map(({ name }) =>
      at(name, name === 'mem_usage' ? memory : Math.random() * 50),
    );
    for (const mount of ['/', '/var', '/var/lib/etcd']) {
      for (const { name } of MOUNT_METRICS)
        samples.push(at(name, Math.random() * 50, { mount, device: '/dev/vda1' }));
    }
    return {
      check: 'usage',
      target,
      roundMs: batch.roundMs,
      observedAtMs: batch.roundMs,
      durationMs: 40,
      result: { ok: true, samples, notes: [] },
    };
  });
  return { batch, bastion: { ok: true }, observations };
}

it('thirty thousand nodes: no function longer than a minute, no message over the limit, all told', {
  timeout: 300_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-scale-'));
  const cloud = startCloud({ config, dir, startMs: START, shards: 16, probe: look });
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
    const longest = Object.fromEntries([...cloud.longestMs].map(([stage, ms]) => [stage, Math.round(ms)]));
    process.stdout.write(
      `longest run of each function, ms: ${JSON.stringify(longest)}; longest message ${cloud.queues.longest()} bytes\n`,
    );
    for (const ms of cloud.longestMs.values()) expect(ms).toBeLessThan(LONGEST_MS);
  } finally {
    await cloud.store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

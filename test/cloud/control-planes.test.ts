// The deployed pipeline with all checks of the preset kubeadm and all default rules.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { METRICS } from '../../core/catalogue.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import { configOf } from '../config-cases.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { bastionNames, watchedText } from './fleet.ts';
import { observeWatched } from './watched-fleet.ts';

const HOUR = 60 * MINUTE;
const START = 480_000 * HOUR;
/** The largest message of a queue: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const LIMIT_BYTES = 262_144;
const TEXT = watchedText({ bastions: 1, nodes: 9, watch: 'kubeadm' });
const CONFIG = configOf(TEXT, { kinds: KINDS });
const observe = observeWatched(CONFIG.checks);

let dir: string;
let cloud: Cloud;
let change: (observation: Observation) => Observation;
let repeated: Sample[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-control-planes-'));
  change = (observation) => observation;
  repeated = [];
  const probe = (batch: Batch) => {
    const seen = observe(batch);
    return { ...seen, observations: seen.observations.map((one) => change(one)) };
  };
  cloud = startCloud({ config: TEXT, bastions: bastionNames(1), dir, startMs: START, shards: 3, probe });
  // The embedded store needs no repeats.
  cloud.store.repeat = async (samples) => {
    repeated.push(...samples);
    return samples.length;
  };
});

afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true, force: true });
});

async function rounds(from: number, to: number, skipped: readonly number[] = []): Promise<void> {
  for (let minute = from; minute <= to; minute++) {
    if (skipped.includes(minute)) continue;
    await cloud.round(START + minute * MINUTE);
  }
}

const sent = () =>
  cloud.sent.flatMap(({ notification }) =>
    notification.alerts.map(
      ({ rule, status, labels }) => `${rule} ${labels.node ?? labels.cluster} ${status}`,
    ),
  );
const nothingIsDead = () => {
  for (const stage of ['probe', 'store', 'evaluate', 'notify', 'deliver'] as const)
    expect(cloud.dead(stage)).toEqual([]);
};

/** The observation with other values of metrics, on the node n1 of the cluster c1. */
function withValues(observation: Observation, values: Readonly<Record<string, number>>): Observation {
  const { target, result } = observation;
  if (!result.ok || target.cluster !== 'c1' || target.node !== 'n1') return observation;
  const samples = result.samples.map((one) => ({ ...one, value: values[one.metric] ?? one.value }));
  return { ...observation, result: { ...result, samples } };
}

it('every metric of a healthy control plane is stored, and nobody is woken', async () => {
  // The cluster c0 uses too much memory.
  change = (observation) => withoutMemory(observation);
  await rounds(0, 20);
  await cloud.settle();
  const expected = METRICS.filter(({ probes = [] }) =>
    probes.some((probe) => CONFIG.checks.some((check) => check.probe === probe)),
  ).map(({ name }) => name);
  const stored = await Promise.all(
    expected.map((metric) => cloud.store.query({ metric, fromMs: START, toMs: START })),
  );
  const absent = expected.filter((_, i) => stored[i]?.length === 0);
  expect(absent.filter((name) => !/_check$|without_etcd|backup_age|_ok$/.test(name))).toEqual([]);
  expect(sent()).toEqual([]);
  nothingIsDead();
});

function withoutMemory(observation: Observation): Observation {
  const { result } = observation;
  if (!result.ok) return observation;
  const samples = result.samples.map((one) => (one.metric === 'mem_usage' ? { ...one, value: 40 } : one));
  return { ...observation, result: { ...result, samples } };
}

it('values of hourly checks are written again every two minutes', async () => {
  await rounds(0, 4);
  await cloud.settle();
  const times = () => [...new Set(repeated.map(({ timeMs }) => (timeMs - START) / MINUTE))];
  expect(times()).toEqual([2, 4]);
  const files = repeated.filter(
    ({ metric, timeMs }) => metric === 'cert_expiry' && timeMs === START + 4 * MINUTE,
  );
  expect(files).toHaveLength(9 * 20);
});

it('a fault of one node sends one message to fire and one to resolve', async () => {
  change = (observation) => withValues(withoutMemory(observation), { apiserver_ready: 0 });
  await rounds(0, 11);
  change = withoutMemory;
  await rounds(12, 14);
  await cloud.settle();
  expect(sent()).toEqual(['apiserver-not-ready n1 firing', 'apiserver-not-ready n1 resolved']);
  nothingIsDead();
});

it('a certificate that an hourly check finds due fires at once, and stays while the next hour is missed', async () => {
  change = (observation) => withValues(withoutMemory(observation), { tls_cert_due: 3_600 });
  await rounds(0, 63, [60]);
  await cloud.settle();
  const lines = sent();
  expect(new Set(lines)).toEqual(new Set(['served-cert-last-day n1 firing']));
  // One for each port.
  expect(lines).toHaveLength(6);
  expect(repeated.some(({ timeMs }) => timeMs === START + 62 * MINUTE)).toBe(true);
  nothingIsDead();
});

describe('an odd node', () => {
  const isOdd = ({ target, check }: Observation, probe: string) =>
    target.cluster === 'c1' && target.node === 'n1' && check === `kubeadm-${probe}`;
  const madeUp = (
    { target, roundMs }: Observation,
    count: number,
    labels: (i: number) => Record<string, string>,
  ) =>
    Array.from({ length: count }, (_, i): Sample => {
      const { cluster, node, role } = target;
      const metric = ['cert_expiry', 'cert_lifetime', 'cert_remaining', 'cert_due'][i % 4] ?? '';
      return { metric, labels: { cluster, node, role, ...labels(i) }, timeMs: roundMs, value: 1e9 };
    });

  it.each([
    ['with 500 certificates', 100, true],
    ['with 500 certificates of very long paths', 1_000, false],
  ])('%s costs itself only', async (_, length, isStored) => {
    change = (observation) => {
      if (!isOdd(observation, 'pki')) return withoutMemory(observation);
      const file = (i: number) => ({ file: `/${String(i >> 2).padStart(3, '0')}${'x'.repeat(length)}` });
      const notes = Array.from({ length: 40 }, () => 'y'.repeat(400));
      return { ...observation, result: { ok: true, samples: madeUp(observation, 2_000, file), notes } };
    };
    await rounds(0, 2);
    await cloud.settle();
    expect(cloud.queues.longest()).toBeLessThan(LIMIT_BYTES);
    nothingIsDead();
    const at = { fromMs: START, toMs: START };
    const files = await cloud.store.query({ metric: 'cert_expiry', ...at });
    expect(files).toHaveLength(8 * 20 + (isStored ? 500 : 0));
    expect(cloud.meter.total('observations_too_large_total')).toBe(isStored ? 0 : 1);
    const ran = await cloud.store.query({
      metric: 'probe_success',
      ...at,
      where: { check: ['kubeadm-pki'] },
    });
    expect(ran.filter(({ points }) => points[0]?.value === 0)).toHaveLength(isStored ? 0 : 1);
    expect(await cloud.store.query({ metric: 'etcd_up', ...at })).toHaveLength(9);
  });
});

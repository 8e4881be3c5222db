// The faults of a deployment, in the real handlers, in virtual time.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { ownsAlert, shardsOf } from '../../core/plan/shards.ts';
import { configOf, configText } from '../config-cases.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { LONGEST_CHAIN } from './lineage.ts';
import { EVALUATED_MS } from './starts.ts';

const START = 480_000 * 3_600_000;
let dir: string;
let cloud: Cloud;
/** The memory of the nodes in percent; undefined when the node is down. The bastion may be lost. */
let memory: (node: string, roundMs: number) => number | undefined;
let bastionGone: (roundMs: number) => boolean;

const config = configOf(
  configText({
    clusters: `clusters:
  - name: one
    bastion: seoul
    nodes: [{ name: a, role: etcd, host: h }, { name: b, role: etcd, host: h }]
  - name: two
    bastion: seoul
    nodes: [{ name: c, role: etcd, host: h }]
`,
    more: `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 2m, severity: critical }
  - { name: down, metric: up, below: 1, for: 1m, severity: critical }
  - { name: path, metric: bastion_up, below: 1, for: 1m, severity: critical }
routes: [{ name: all, channels: [ops], groupInterval: 1m }]
`,
  }),
);

function observe(batch: Batch): BatchObservation {
  if (bastionGone(batch.roundMs)) {
    const failure = { reason: 'unreachable', phase: 'bastion', detail: 'no route' } as const;
    return { batch, bastion: { ok: false, failure }, observations: [] };
  }
  const observations = batch.targets.map((target): Observation => {
    const { cluster, node, role } = target;
    const value = memory(node, batch.roundMs);
    const at = { check: 'usage', target, roundMs: batch.roundMs, observedAtMs: batch.roundMs, durationMs: 1 };
    if (value === undefined)
      return {
        ...at,
        result: { ok: false, failure: { reason: 'timeout', phase: 'dial', detail: 'silent' } },
      };
    const samples = [{ metric: 'mem_usage', labels: { cluster, node, role }, timeMs: batch.roundMs, value }];
    return { ...at, result: { ok: true, samples, notes: [] } };
  });
  return { batch, bastion: { ok: true }, observations };
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-'));
  memory = () => 40;
  bastionGone = () => false;
  cloud = startCloud({ config, dir, startMs: START, shards: 3, probe: observe });
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
  expect(cloud.queues.lineages.longest()).toBeLessThanOrEqual(LONGEST_CHAIN);
});

async function rounds(from: number, to: number): Promise<void> {
  for (let minute = from; minute <= to; minute++) await cloud.round(START + minute * MINUTE);
  await cloud.settle();
}
/** `round rule node:status+node:status` for each message; `round` is the one that was evaluated at that time. */
const sentLines = () =>
  cloud.sent.map(({ notification, atMs }) => {
    const nodes = notification.alerts.map(
      ({ labels, status }) => `${labels.node ?? labels.bastion}:${status}`,
    );
    const { rule } = notification.groupLabels;
    // A bastion belongs to no cluster, so the cross-cluster shard evaluates its rule.
    const round = cloud.roundAt(atMs, rule === 'path' ? EVALUATED_MS.fleet : EVALUATED_MS.part);
    return `${round} ${rule} ${nodes.sort().join('+')}`;
  });
const noDeadLetters = () =>
  (['probe', 'store', 'evaluate', 'notify', 'deliver'] as const).flatMap((stage) => cloud.dead(stage));

/** All nodes breach from minute 2 to 7. */
const breach = (_: string, roundMs: number) => {
  const minute = (roundMs - START) / MINUTE;
  return minute >= 2 && minute < 8 ? 95 : 40;
};
const NOTIFIED = [
  '4 memory a:firing+b:firing',
  '4 memory c:firing',
  '8 memory a:resolved+b:resolved',
  '8 memory c:resolved',
];

it('alerts fire and resolve, and each cluster has one message for each, half a minute after the round', async () => {
  memory = breach;
  await rounds(0, 10);
  expect(sentLines().sort()).toEqual([...NOTIFIED].sort());
  expect(cloud.sent[0]?.atMs).toBe(cloud.startOf(START + 4 * MINUTE) + 30_000);
  expect(noDeadLetters()).toEqual([]);
});

it('a reminder shows the newest values, not those at the time of firing', async () => {
  const routes = config.routes.map((route) => ({ ...route, repeatIntervalMs: 5 * MINUTE }));
  await cloud.store.close();
  cloud = startCloud({ config: { ...config, routes }, dir, startMs: START, shards: 3, probe: observe });
  memory = (_, roundMs) => (roundMs < START + 2 * MINUTE ? 40 : 91 + (roundMs - START) / MINUTE / 2);
  await rounds(0, 11);
  const reminder = cloud.sent.find(({ notification }) => notification.reason === 'repeat');
  const atMs = reminder?.atMs ?? 0;
  const value = 91 + cloud.roundAt(atMs) / 2;
  expect([cloud.roundAt(atMs, EVALUATED_MS.part), reminder?.notification.alerts[0]?.value]).toEqual([
    9,
    value,
  ]);
});

it.each([[[]], [['evaluate']]] as const)(
  'a rule across clusters, in three shards (messages twice: %j), sends one message, with the value of all nodes',
  async (twice) => {
    const values = [90.1, 90.2, 70.3, 90.7];
    const fleet = configOf(
      configText({
        clusters: `clusters:${values
          .map(
            (_, i) => `\n  - { name: c${i}, bastion: seoul, nodes: [{ name: n${i}, role: etcd, host: h }] }`,
          )
          .join('')}\n`,
        more: `rules:
  - { name: fleet, metric: mem_usage, aggregate: { by: [role], op: avg }, above: 80, for: 1m, severity: critical }
routes: [{ name: all, channels: [ops], groupInterval: 1m }]
`,
      }),
    );
    await cloud.store.close();
    cloud = startCloud({ config: fleet, dir, startMs: START, shards: 3, probe: observe });
    cloud.fault.twice = new Set(twice);
    const parts = shardsOf(3).map((shard) =>
      fleet.clusters.filter(({ name }) => ownsAlert(shard, { cluster: name })),
    );
    expect(parts.filter(({ length }) => length > 0).length).toBeGreaterThan(1);
    memory = (node, roundMs) => (roundMs < START + 2 * MINUTE ? 40 : values[Number(node.slice(1))]);
    await rounds(0, 6);
    expect(cloud.sent.map(({ atMs }) => atMs)).toEqual([cloud.startOf(START + 3 * MINUTE) + 45_000]);
    const [notified] = cloud.sent.flatMap(({ notification }) => notification.alerts);
    expect(notified?.labels).toEqual({ role: 'etcd' });
    expect(notified?.value).toBe((90.1 + 90.2 + 70.3 + 90.7) / 4);
    expect(cloud.meter.total('partials_missing_total')).toBe(0);
    expect(noDeadLetters()).toEqual([]);
  },
);

it.each(['probe', 'store', 'evaluate', 'notify', 'deliver'] as const)(
  'the same messages are sent when every message comes twice to %s',
  async (stage) => {
    memory = breach;
    cloud.fault.twice = new Set([stage]);
    await rounds(0, 10);
    expect(sentLines().sort()).toEqual([...NOTIFIED].sort());
  },
);

it('the tick sends when no wake-up arrives', async () => {
  memory = breach;
  cloud.fault.noWake = true;
  await rounds(0, 10);
  // The round is evaluated half a minute after its start, and the next sweep sends: at a start, or a minute after it.
  const starts = Array.from({ length: 12 }, (_, k) => cloud.startOf(START + k * MINUTE));
  const sweeps = starts.flatMap((atMs) => [atMs, atMs + MINUTE]);
  const notified = NOTIFIED.map((line) => {
    const evaluatedMs = (starts[Number.parseInt(line, 10)] ?? 0) + EVALUATED_MS.part;
    return line.replace(/^\d+/, String(Math.min(...sweeps.filter((atMs) => atMs >= evaluatedMs))));
  });
  const received = sentLines().map((line, i) => line.replace(/^\d+/, String(cloud.sent[i]?.atMs)));
  expect(received.sort()).toEqual(notified.sort());
});

it('a bastion that is lost for three rounds is one alert, and its nodes are unknown', async () => {
  bastionGone = (roundMs) => roundMs >= START + 3 * MINUTE && roundMs < START + 6 * MINUTE;
  await rounds(0, 9);
  expect(sentLines()).toEqual(['4 path seoul:firing', '6 path seoul:resolved']);
});

it('after the store failed for three rounds, all samples are written, and the alerts are the same as without the failure', async () => {
  memory = breach;
  await rounds(0, 2);
  cloud.fault.store = true;
  await rounds(3, 5);
  cloud.fault.store = false;
  await rounds(6, 22);
  const found = await cloud.store.query({ metric: 'mem_usage', fromMs: START, toMs: START + 22 * MINUTE });
  expect(found.map(({ points }) => points.length)).toEqual([23, 23, 23]);
  const firing = cloud.sent.flatMap(({ notification }) => notification.alerts);
  expect(new Set(firing.map(({ firedAtMs }) => (firedAtMs - START) / MINUTE))).toEqual(new Set([4]));
  expect(firing.filter(({ status }) => status === 'resolved')).toHaveLength(3);
  expect(noDeadLetters()).toEqual([]);
});

it('after the chat service was down for ten minutes, each message is sent once', async () => {
  memory = (_, roundMs) => (roundMs >= START + 2 * MINUTE ? 95 : 40);
  cloud.fault.channel = true;
  await rounds(0, 13);
  expect(sentLines()).toEqual([]);
  cloud.fault.channel = false;
  await rounds(14, 30);
  const notified = sentLines().map((line) => line.replace(/^\d+ /, ''));
  expect(notified.sort()).toEqual(['memory a:firing+b:firing', 'memory c:firing']);
});

it('when probe is killed after its work, it probes the round again, and no message comes twice', async () => {
  memory = breach;
  cloud.fault.killed = new Set(['probe']);
  await rounds(0, 3);
  cloud.fault.killed = new Set();
  await rounds(4, 10);
  expect(sentLines().sort()).toEqual([...NOTIFIED].sort());
});

it('when deliver is killed after its work, an incident waits until its message comes again, and is sent once', async () => {
  memory = breach;
  cloud.fault.killed = new Set(['deliver']);
  await rounds(0, 12);
  cloud.fault.killed = new Set();
  await rounds(13, 30);
  const withoutRound = (lines: readonly string[]) => lines.map((line) => line.replace(/^\d+ /, '')).sort();
  expect(withoutRound(sentLines())).toEqual(withoutRound(NOTIFIED));
});

it.each(['store', 'evaluate', 'notify'] as const)(
  'the same messages are sent when %s is killed after its work in each round',
  async (stage) => {
    memory = breach;
    cloud.fault.killed = new Set([stage]);
    await rounds(0, 12);
    expect(sentLines().sort()).toEqual([...NOTIFIED].sort());
  },
);

it('a poison message goes to the dead letters at once, and the others are handled', async () => {
  memory = breach;
  await rounds(0, 1);
  await cloud.queues.send('https://sqs.us-east-1.amazonaws.com/000000000000/store', [{ body: 'poison' }]);
  await rounds(2, 10);
  expect(cloud.dead('store')).toEqual(['poison']);
  expect(cloud.meter.total('messages_dead_total')).toBe(1);
  expect(sentLines().sort()).toEqual([...NOTIFIED].sort());
});

it('each evaluated round calls the heartbeat, and none does while rounds do not get as far as the store', async () => {
  await cloud.store.close();
  const beats: number[] = [];
  const heartbeat = { beat: async () => void beats.push(cloud.roundAt(cloud.nowMs(), EVALUATED_MS.fleet)) };
  const gone = (roundMs: number) => roundMs >= START + 2 * MINUTE && roundMs < START + 7 * MINUTE;
  const probe = (batch: Batch) => {
    if (gone(batch.roundMs)) throw new ConfigError('the parameter of the key is gone');
    return observe(batch);
  };
  cloud = startCloud({ config, dir, startMs: START, shards: 3, probe, heartbeat });
  await rounds(0, 8);
  // A round may be late by three rounds before it counts as missing. When a round starts before the last one is
  // evaluated, its samples count in that evaluation.
  const isAhead = (k: number) =>
    cloud.startOf(START + (k + 1) * MINUTE) < cloud.startOf(START + k * MINUTE) + EVALUATED_MS.fleet;
  const received = [0, 1, 2, 3, ...(isAhead(4) ? [] : [4]), ...(isAhead(6) ? [6] : []), 7, 8];
  expect(beats).toEqual(received);
  cloud.fault.store = true;
  await rounds(9, 10);
  expect(beats.slice(received.length)).toEqual([]);
});

it('a round with a shard that is never evaluated does not count, and does not call the heartbeat', async () => {
  await cloud.store.close();
  const beats: number[] = [];
  const heartbeat = { beat: async () => void beats.push(cloud.roundAt(cloud.nowMs(), EVALUATED_MS.fleet)) };
  cloud = startCloud({ config, dir, startMs: START, shards: 3, probe: observe, heartbeat });
  await rounds(0, 1);
  cloud.table.beforeWrite = (writes) => {
    if (writes.some((write) => 'put' in write && String(write.put.sk).includes('1/3')))
      throw new RetryableError('the table throttles that key');
  };
  await rounds(2, 7);
  // A round may be late by three rounds before it counts as missing.
  expect(beats).toEqual([0, 1, 2, 3, 4]);
  expect(cloud.meter.total('parts_behind_total')).toBe(3);
  expect(cloud.meter.total('rounds_total')).toBe(5);
  cloud.table.beforeWrite = () => undefined;
  await rounds(8, 9);
  expect(beats.length).toBeGreaterThan(5);
});

// Lambda ends a chain after about sixteen invocations of one function, so messages that wait must not make a chain.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { configOf, configText } from '../config-cases.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { LONGEST_CHAIN } from './lineage.ts';

const START = 480_000 * 3_600_000;
const DELIVER = 'https://sqs.us-east-1.amazonaws.com/000000000000/deliver.fifo';
let dir: string;
let cloud: Cloud;
let memory: (node: string, minute: number) => number;

function configWith(clusters: number, routes: string) {
  const names = Array.from({ length: clusters }, (_, i) => `c${i}`);
  return configOf(
    configText({
      clusters: `clusters:${names
        .map(
          (name) =>
            `\n  - { name: ${name}, bastion: seoul, nodes: [{ name: n-${name}, role: etcd, host: h }] }`,
        )
        .join('')}\n`,
      more: `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 0s, severity: critical, inhibitedBy: [worse] }
  - { name: worse, metric: mem_usage, above: 98, for: 0s, severity: critical }
routes: [{ name: all, channels: [ops], ${routes} }]
`,
    }),
  );
}

function observe(batch: Batch): BatchObservation {
  const { roundMs } = batch;
  const observations = batch.targets.map((target): Observation => {
    const { cluster, node, role } = target;
    const value = memory(node, (roundMs - START) / MINUTE);
    const samples = [{ metric: 'mem_usage', labels: { cluster, node, role }, timeMs: roundMs, value }];
    const at = { check: 'usage', target, roundMs, observedAtMs: roundMs, durationMs: 1 };
    return { ...at, result: { ok: true, samples, notes: [] } };
  });
  return { batch, bastion: { ok: true }, observations };
}

function begin({ clusters = 1, routes = 'groupInterval: 1m' } = {}): void {
  const config = configWith(clusters, routes);
  cloud = startCloud({ config, dir, startMs: START, probe: observe, shows: 'none' });
}
async function rounds(from: number, to: number): Promise<void> {
  for (let minute = from; minute <= to; minute++) await cloud.round(START + minute * MINUTE);
}
/** For each message, the seconds after the first round. */
const sentAt = () => cloud.sent.map(({ atMs }) => (atMs - START) / 1000);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-loops-'));
  memory = () => 40;
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
  expect(cloud.queues.lineages.dropped()).toBe(0);
  expect(cloud.queues.lineages.longest()).toBeLessThanOrEqual(LONGEST_CHAIN);
  for (const stage of ['probe', 'store', 'evaluate', 'notify', 'deliver'] as const)
    expect(cloud.dead(stage)).toEqual([]);
});

it('an alert that another one inhibits for twenty minutes is decided again and again, and sent when the inhibition ends', async () => {
  begin();
  memory = (_, minute) => (minute < 20 ? 99 : 95);
  await rounds(0, 21);
  const notified = cloud.sent.map(({ notification: { groupLabels, status }, atMs }) =>
    [groupLabels.rule, status, (atMs - START) / 1000].join(' '),
  );
  // Deliver sends it in its next pass, within a quarter of a minute.
  expect(notified.toSorted()).toEqual(['memory firing 1230', 'worse firing 30', 'worse resolved 1230']);
  const checkTimes = cloud.runs.get('deliver')?.length ?? 0;
  expect(checkTimes).toBeGreaterThan(20 * 4);
  // Notify sends one message a minute for the incident, and deliver decides four to six times for each.
  expect(checkTimes).toBeLessThan(20 * 8);
});

it('when the chat service is down for ten minutes, deliver tries again at growing intervals, and sends once afterwards', async () => {
  begin();
  memory = () => 95;
  cloud.fault.channel = true;
  await rounds(0, 10);
  expect(sentAt()).toEqual([]);
  const tries = cloud.logger.lines
    .filter(({ message }) => message === 'message not delivered, will be retried')
    .map(({ fields }) => (Date.parse(String(fields?.nextTry)) - START) / 1000);
  // The first waits are shorter than the minute between two sweeps.
  const waits = tries.slice(0, 5).map((at, i) => at - (tries[i - 1] ?? 30));
  // Each wait doubles, minus up to a quarter; the queue hands out a message up to a second later.
  for (const [i, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual(2 ** (i + 1) * 0.75);
    expect(wait).toBeLessThanOrEqual(2 ** (i + 1) + 1);
  }
  cloud.fault.channel = false;
  await rounds(11, 14);
  expect(sentAt()).toHaveLength(1);
});

it('in a storm of hundreds of incidents while the chat service is down, none is lost, none is sent twice, and no chain is cut', async () => {
  const clusters = 300;
  begin({ clusters, routes: 'groupBy: [cluster]' });
  memory = () => 95;
  cloud.fault.channel = true;
  await rounds(0, 3);
  expect(sentAt()).toEqual([]);
  cloud.fault.channel = false;
  await rounds(4, 9);
  const notified = cloud.sent.map(({ notification }) => notification.groupLabels.cluster);
  expect([notified.length, new Set(notified).size]).toEqual([clusters, clusters]);
  // Each waiting message belongs to an incident and a minute; after everything is sent none is left.
  expect(cloud.queues.bodies(DELIVER)).toEqual([]);
});

it('a message that waits for less than a minute is sent at its time, for groupWait and for groupInterval', async () => {
  begin({ routes: 'groupBy: [rule], groupWait: 40s, groupInterval: 20s' });
  memory = (_, minute) => (minute < 2 ? 95 : 99);
  await rounds(0, 3);
  // Evaluation comes half a minute after the round.
  expect(sentAt()).toEqual([40, 160]);
});

it('news about an incident with a waiting message is sent at most a quarter of a minute later', async () => {
  begin({ clusters: 2, routes: 'groupBy: [rule], groupInterval: 1m' });
  // The first alert is inhibited all the time, so its incident is checked again and again.
  memory = (node, minute) => (node === 'n-c0' ? 99 : minute < 3 ? 40 : 95);
  await rounds(0, 4);
  const news = cloud.sent.filter(({ notification }) => notification.groupLabels.rule === 'memory');
  expect(news).toHaveLength(1);
  expect(((news[0]?.atMs ?? 0) - START) / 1000).toBeLessThanOrEqual(3 * 60 + 30 + 15);
});

it('after a message for an incident was lost, the next sweep sends another one, and SQS accepts it', async () => {
  begin();
  memory = () => 95;
  cloud.fault.stopped = 'deliver';
  await cloud.round(START);
  expect(cloud.queues.bodies(DELIVER)).toHaveLength(1);
  // As if it went to the dead letters; the incident is unchanged.
  await cloud.queues.poll(DELIVER, 1, async () => ({ batchItemFailures: [] }));
  expect(cloud.queues.bodies(DELIVER)).toEqual([]);
  delete cloud.fault.stopped;
  await rounds(1, 1);
  expect(sentAt()).toEqual([60]);
});

it('when the clock of deliver is behind the clock of notify, the message waits, and does not count as done', async () => {
  begin({ routes: 'groupWait: 40s' });
  memory = () => 95;
  cloud.fault.behindMs = 700;
  await rounds(0, 1);
  expect(sentAt()).toEqual([41]);
});

it('due messages are sent although plan fails', async () => {
  begin({ routes: 'repeatInterval: 3m' });
  memory = () => 95;
  await rounds(0, 1);
  cloud.fault.inventory = true;
  await rounds(2, 4);
  expect(sentAt()).toEqual([30, 210]);
});

// The watchdogs of a deployment: health, heartbeat and metrics, in virtual time.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import type { Config } from '../../core/model/config.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { configOf, configText } from '../config-cases.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { LONGEST_CHAIN } from './lineage.ts';

const START = 480_000 * 3_600_000;
let dir: string;
let cloud: Cloud;
let memory: (minute: number) => number | undefined;
let bastionGone: boolean;
let beats: number[];

const parsed = configOf(
  configText({
    more: `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 0s, severity: critical }
  - { name: wide, metric: mem_usage, above: 99, for: 0s }
routes: [{ name: all, channels: [ops], groupInterval: 1m }]
`,
  }),
);

function observe(batch: Batch): BatchObservation {
  const { roundMs } = batch;
  if (bastionGone) {
    const failure = { reason: 'unreachable', phase: 'bastion', detail: 'no route' } as const;
    return { batch, bastion: { ok: false, failure }, observations: [] };
  }
  const value = memory((roundMs - START) / MINUTE);
  const observations = batch.targets.map((target): Observation => {
    const { cluster, node, role } = target;
    const at = { check: 'usage', target, roundMs, observedAtMs: roundMs, durationMs: 1 };
    const failure = { reason: 'timeout', phase: 'dial', detail: 'silent' } as const;
    if (value === undefined) return { ...at, result: { ok: false, failure } };
    const samples = [{ metric: 'mem_usage', labels: { cluster, node, role }, timeMs: roundMs, value }];
    return { ...at, result: { ok: true, samples, notes: [] } };
  });
  return { batch, bastion: { ok: true }, observations };
}

function begin(config: Config): void {
  const heartbeat = { beat: async () => void beats.push(cloud.roundAt(cloud.nowMs(), 30_000)) };
  cloud = startCloud({ config, dir, startMs: START, probe: observe, heartbeat });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-watch-'));
  memory = () => 40;
  bastionGone = false;
  beats = [];
  begin(parsed);
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
async function health() {
  const { statusCode, body = '' } = await cloud.ask('/healthz');
  const { reasons, warnings, alertsUndelivered } = JSON.parse(body);
  const codes = (list: { code: string }[]) => list.map(({ code }) => code);
  return { statusCode, reasons: codes(reasons), warnings: codes(warnings), alertsUndelivered, body };
}

it('when everything works, health is ok, and each round calls the heartbeat', async () => {
  expect(await health()).toMatchObject({ statusCode: 503, reasons: ['rounds-missing'] });
  await rounds(0, 3);
  expect(await health()).toMatchObject({ statusCode: 200, reasons: [], warnings: [], alertsUndelivered: 0 });
  expect(beats).toEqual([0, 1, 2, 3]);
});

it('a configuration that cannot be read fails health, and the public answer names no file', async () => {
  await rounds(0, 3);
  cloud.bucket.putText('config/active.json', '{"format":99}');
  for (const key of cloud.bucket.files.keys())
    if (key.startsWith('config/expanded/')) cloud.bucket.files.delete(key);
  await expect(cloud.round(START + 4 * MINUTE)).rejects.toThrow('config/active.json has format 99');
  const answer = await health();
  expect(answer).toMatchObject({ statusCode: 503, reasons: ['config-unreadable'] });
  expect(answer.body).not.toContain('active.json');
});

it('/livez always answers ok, because on AWS nothing can be restarted', async () => {
  expect((await cloud.ask('/livez')).statusCode).toBe(200);
});

it('an alert that is undelivered for five minutes fails health and withholds the heartbeat, until it is delivered', async () => {
  memory = (minute) => (minute >= 2 ? 95 : 40);
  cloud.fault.channel = true;
  await rounds(0, 6);
  expect(await health()).toMatchObject({
    statusCode: 200,
    alertsUndelivered: 2,
    warnings: ['channel-failing'],
  });
  await rounds(7, 10);
  const failing = await health();
  expect(failing).toMatchObject({ statusCode: 503, reasons: ['undelivered'], alertsUndelivered: 2 });
  expect(failing.body).not.toMatch(/ops|chat answered/);
  expect(cloud.meter.text()).toContain('bartizan_alerts_undelivered_overdue 2');
  expect(cloud.logger.lines.find(({ message }) => message === 'alerts are not sent')?.fields).toMatchObject({
    detail: expect.stringContaining('ops: chat answered 503'),
  });
  const silentFrom = beats.at(-1) as number;
  expect(silentFrom).toBeLessThan(9);
  cloud.fault.channel = false;
  await rounds(11, 17);
  expect(cloud.sent.length).toBeGreaterThan(0);
  expect(await health()).toMatchObject({ statusCode: 200, alertsUndelivered: 0 });
  expect(beats.at(-1)).toBe(17);
});

it('an alert that is undelivered by a channel which is not required is only a warning', async () => {
  await cloud.store.close();
  begin({ ...parsed, channels: parsed.channels.map((channel) => ({ ...channel, required: false })) });
  memory = () => 95;
  cloud.fault.channel = true;
  await rounds(0, 9);
  const { statusCode, warnings } = await health();
  expect([statusCode, warnings.includes('undelivered-optional'), beats.at(-1)]).toEqual([200, true, 9]);
});

it('a notify that no longer reports fails health and withholds the heartbeat', async () => {
  await rounds(0, 2);
  cloud.fault.noWake = true;
  cloud.fault.stopped = 'notify';
  await rounds(3, 9);
  expect(await health()).toMatchObject({ statusCode: 503, reasons: ['notify-failing'] });
  expect(beats.at(-1)).toBeLessThan(8);
});

it.each([
  ['a lost bastion', true],
  ['nodes that do not answer', false],
])('with %s, no node counts as seen, and the heartbeat stops after three rounds', async (_, isBastion) => {
  await rounds(0, 2);
  const seen = cloud.meter.total('nodes_seen_total');
  expect(seen).toBeGreaterThan(0);
  if (isBastion) bastionGone = true;
  else memory = () => undefined;
  await rounds(3, 9);
  expect(cloud.meter.total('nodes_seen_total')).toBe(seen);
  expect(beats.at(-1)).toBeLessThanOrEqual(5);
});

it('a rule that throws is counted and listed, and the other rules are evaluated', async () => {
  memory = () => 95;
  const rules = parsed.rules.map((rule) =>
    rule.name === 'wide' ? { ...rule, where: { node: null as never } } : rule,
  );
  await cloud.store.close();
  begin({ ...parsed, rules });
  await rounds(0, 2);
  expect(cloud.meter.text()).toContain('bartizan_rule_failures_total{rule="wide"}');
  expect(cloud.sent.map(({ notification }) => notification.alerts[0]?.rule)).toEqual(['memory']);
  expect(await health()).toMatchObject({ statusCode: 200, warnings: ['rule-failing'] });
});

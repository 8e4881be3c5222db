// Ten thousand nodes behind one bastion: a round takes most of its interval, whenever the scheduler starts it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashNumber } from '../../core/hash.ts';
import type { Batch } from '../../core/model/batch.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { fleetConfig, NODES_EACH } from './fleet.ts';

const START = 480_000 * 3_600_000;
const NODES = 10_000;
const ROUNDS = 8;
const config = fleetConfig({ bastions: 1, clusters: Math.ceil(NODES / NODES_EACH) });
const [bastion] = config.bastions;
/** docs/figures.md has the time of a node over OpenSSH; a function of a gigabyte has little more than half a core. */
const NODE_MS = 18.8 / 0.58;
const BATCH_MS = Math.round((bastion?.batchSize ?? 0) * NODE_MS);

let dir: string;
let cloud: Cloud;
let begun: { batch: Batch; atMs: number }[];

function begin(probeMs: () => number): void {
  begun = [];
  cloud = startCloud({
    config,
    dir,
    startMs: START,
    probe(batch) {
      begun.push({ batch, atMs: cloud.nowMs() - probeMs() });
      return { batch: { ...batch, targets: [] }, bastion: { ok: true }, observations: [] };
    },
    probeMs,
  });
  // Other tests check the observations.
  cloud.fault.stopped = 'evaluate';
}
/** Starts each round this late after its time, and lets all rounds end. */
async function run(lateS: (round: number) => number): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const roundMs = START + round * MINUTE;
    await cloud.wait(roundMs + Math.floor(lateS(round) * 1000));
    await cloud.start(roundMs);
  }
  await cloud.wait(cloud.nowMs() + 3 * MINUTE);
}
const nodes = () => begun.reduce((sum, { batch }) => sum + batch.targets.length, 0);
const expired = () => cloud.meter.total('batches_expired_total');
/** How long after the time of its round the last batch began. */
const latestMs = () => Math.max(...begun.map(({ batch, atMs }) => atMs - batch.roundMs));
/** The largest number of batches that ran at the same time. */
const mostConcurrent = (ms: number) =>
  Math.max(
    ...begun.map(({ atMs }) => begun.filter((other) => other.atMs <= atMs && atMs < other.atMs + ms).length),
  );

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-large-'));
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

it.each<[name: string, lateS: (round: number) => number]>([
  ['on the minute', () => 0],
  ['38 s late', () => 38],
  ['58 s late', () => 58],
  ['58 s late and 1 s late by turns', (round) => (round % 2 === 0 ? 58 : 1)],
  ...['one', 'two', 'three'].map((seed): [string, (round: number) => number] => [
    `anywhere in the minute (${seed})`,
    (round) => (hashNumber(`${seed}/${round}`) % 60_000) / 1000,
  ]),
])('rounds that start %s lose no batch', async (_, lateS) => {
  begin(() => BATCH_MS);
  const turns = Math.ceil(NODES / (bastion?.batchSize ?? 1) / (bastion?.maxConnections ?? 1));
  // Make sure that the test is meaningful: a round takes most of a minute, and not more.
  expect((turns * BATCH_MS) / MINUTE).toBeGreaterThan(0.7);
  expect((turns * BATCH_MS) / MINUTE).toBeLessThan(1);
  await run(lateS);
  expect([expired(), nodes()]).toEqual([0, ROUNDS * config.clusters.length * NODES_EACH]);
  expect(latestMs()).toBeLessThan(2 * MINUTE);
  expect(mostConcurrent(BATCH_MS)).toBe(bastion?.maxConnections);
});

it('batches that a bastion has no time for are dropped and counted, and no batch begins later than two minutes after its time', async () => {
  const slowMs = 2 * BATCH_MS;
  begin(() => slowMs);
  await run((round) => (hashNumber(`slow/${round}`) % 60_000) / 1000);
  expect(expired()).toBeGreaterThan(0);
  expect(latestMs()).toBeLessThanOrEqual(2 * MINUTE);
  expect(mostConcurrent(slowMs)).toBe(bastion?.maxConnections);
  // The bastion is busy all the time: it does more than half of what is due.
  expect(nodes()).toBeGreaterThan((ROUNDS * NODES) / 2);
});

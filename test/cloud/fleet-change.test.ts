// Uploads ordinary changes of the fleet while rounds go on: no node that was seen counts as absent, and the heartbeat
// goes on.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { fleetText } from './fleet.ts';

const START = 480_000 * 3_600_000;
const CHANGED = 4;
const ROUNDS = 10;
const none = Array.from({ length: ROUNDS }, () => 0);

let dir: string;
let cloud: Cloud;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-change-'));
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

interface Fleet {
  /** The number of nodes of each cluster, and its bastion. */
  clusters: readonly [name: string, bastion: string, nodes: number][];
  bastions?: readonly string[];
  batchSize?: number;
}

function textOf({ clusters, bastions = ['b0', 'b1'], batchSize }: Fleet, every: string): string {
  const config = parse(fleetText({ bastions: 1, clusters: 1 }));
  const [bastion] = config.bastions;
  const [node] = config.clusters[0].nodes;
  return stringify({
    ...config,
    bastions: bastions.map((name) => ({ ...bastion, name, batchSize })),
    clusters: clusters.map(([name, of, count], c) => ({
      name,
      bastion: of,
      nodes: Array.from({ length: count }, (_, n) => ({
        ...node,
        name: `n${n}`,
        host: `10.${c}.${n >> 8}.${n & 255}`,
      })),
    })),
    checks: [{ name: 'usage', probe: 'usage', every }],
    removal: { mostPercent: 100 },
  });
}

function observe(batch: Batch): BatchObservation {
  const { roundMs } = batch;
  const observations = batch.targets.map((target) => {
    const { cluster, node, role } = target;
    const sample = { metric: 'mem_usage', labels: { cluster, node, role }, timeMs: roundMs, value: 40 };
    const base = { check: 'usage', target, roundMs, observedAtMs: roundMs, durationMs: 1 };
    return { ...base, result: { ok: true as const, notes: [], samples: [sample] } };
  });
  return { batch, bastion: { ok: true }, observations };
}

/** The number of absent nodes after each round, and the heartbeats until then. */
async function change(
  [before, after]: readonly [Fleet, Fleet],
  {
    every = 1,
    shards = 1,
    probe = observe,
  }: { every?: number; shards?: number; probe?: typeof observe } = {},
): Promise<{ absent: number[]; beats: number[] }> {
  let beats = 0;
  const absent: number[] = [];
  const beatsBy: number[] = [];
  cloud = startCloud({
    config: textOf(before, `${every}m`),
    bastions: ['b0', 'b1'],
    dir,
    startMs: START,
    shards,
    probe,
    heartbeat: { beat: async () => void beats++ },
    onMetric: ({ name, value }) => name === 'nodes_absent' && absent.push(value),
  });
  for (let round = 0; round < ROUNDS; round++) {
    if (round === CHANGED) cloud.bucket.putText('config/bartizan.yaml', textOf(after, `${every}m`));
    await cloud.round(START + round * every * MINUTE);
    beatsBy.push(beats);
  }
  await cloud.wait(START + ROUNDS * every * MINUTE);
  expect(cloud.meter.total('config_errors_total')).toBe(0);
  return { absent, beats: [...beatsBy, beats] };
}

const one = (nodes: number, batchSize?: number): Fleet => ({
  clusters: [['c', 'b0', nodes]],
  ...(batchSize && { batchSize }),
});
const rest: Fleet['clusters'][number] = ['rest', 'b0', 7];
const CHANGES: [what: string, change: [Fleet, Fleet]][] = [
  ['fewer nodes in fewer batches', [one(21, 10), one(20, 10)]],
  ['fewer nodes in as many batches', [one(19, 10), one(12, 10)]],
  ['more nodes in more batches', [one(20, 10), one(31, 10)]],
  ['larger batches', [one(50, 10), one(50, 20)]],
  ['smaller batches', [one(50, 20), one(50, 10)]],
  [
    'the only cluster of its bastion moves to another bastion',
    [one(25, 10), { clusters: [['c', 'b1', 25]], batchSize: 10 }],
  ],
  [
    'a cluster that moves to another bastion',
    [{ clusters: [['c', 'b0', 25], rest] }, { clusters: [['c', 'b1', 25], rest] }],
  ],
  [
    'a bastion is removed with its nodes',
    [{ clusters: [['c', 'b1', 25], rest] }, { clusters: [rest], bastions: ['b0'] }],
  ],
  [
    'a bastion is removed, and its nodes move to the other one',
    [{ clusters: [['c', 'b1', 25], rest] }, { clusters: [['c', 'b0', 25], rest], bastions: ['b0'] }],
  ],
];

describe.each([1, 5])('with a round every %d minutes', (every) => {
  describe.each([1, 3])('in %d shards, no node counts as absent after a change:', (shards) => {
    it.each(CHANGES)('%s', async (_, fleets) => {
      const { absent, beats } = await change(fleets, { every, shards });
      expect(absent).toEqual(none);
      expect(beats.at(-1)).toBe(ROUNDS);
    });
  });
});

it('no node counts as absent when 201 nodes become 200, in batches of a hundred', async () => {
  const { absent, beats } = await change([one(201, 100), one(200, 100)]);
  expect(absent).toEqual(none);
  expect(beats.at(-1)).toBe(ROUNDS);
});

it('a change neither hides a node that is no longer seen, nor ends the alarm on it', async () => {
  const unseen = (batch: Batch): BatchObservation => {
    const { observations, ...all } = observe(batch);
    const isSeen = ({ target }: (typeof observations)[number]) =>
      batch.roundMs < START + 2 * MINUTE || target.node !== 'n3';
    return { ...all, observations: observations.filter(isSeen) };
  };
  const { absent } = await change([one(21, 10), one(20, 10)], { probe: unseen });
  expect(absent).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
});

describe('after a bastion was lost', () => {
  const lost = (batch: Batch): BatchObservation => ({
    batch,
    bastion: { ok: false, failure: { reason: 'unreachable', phase: 'bastion', detail: 'no route' } },
    observations: [],
  });
  const of = (nodes: number): Fleet => ({
    clusters: [
      ['c', 'b0', nodes],
      ['rest', 'b1', 7],
    ],
    batchSize: 10,
  });

  it.each([
    ['for good', ROUNDS],
    ['until the change', CHANGED],
    ['until two rounds after it', CHANGED + 2],
  ])('nodes count as absent when they stay away, not when they were taken out: %s', async (_, until) => {
    const probe = (batch: Batch) =>
      batch.bastion === 'b0' && batch.roundMs >= START + MINUTE && batch.roundMs < START + until * MINUTE
        ? lost(batch)
        : observe(batch);
    const { absent, beats } = await change([of(50), of(15)], { probe });
    expect(absent).toEqual(none);
    expect(beats.at(-1)).toBe(ROUNDS);
  });
});

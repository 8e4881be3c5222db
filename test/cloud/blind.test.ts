// Faults that leave nodes without probes or people without messages, in the real handlers, and the alarms that they
// start.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../adapters/queues/messages.ts';
import { ConfigError, RetryableError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Config } from '../../core/model/config.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { alarmsAt, exampleStack as stack } from './example-alarms.ts';
import type { Datum } from './faults.ts';
import { fleetConfig, observeFleet } from './fleet.ts';

const START = 480_000 * 3_600_000;
/** Two bastions with two clusters each; a cluster has three nodes. */
const config = fleetConfig({ bastions: 2, clusters: 4 });

let dir: string;
let cloud: Cloud;
let data: Datum[];
let beats: number[];
/** The observation of a batch whose bastion is lost. */
let probe: (batch: Batch) => BatchObservation;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-blind-'));
  data = [];
  beats = [];
  probe = observeFleet;
  begin();
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

function begin(shards = 1, of: Config = config): void {
  const heartbeat = { beat: async () => void beats.push(Math.floor((cloud.nowMs() - START) / MINUTE)) };
  cloud = startCloud({
    config: of,
    dir,
    startMs: START,
    shards,
    probe: (batch) => probe(batch),
    heartbeat,
    onMetric: (datum) => data.push(datum),
  });
}

async function rounds(from: number, to: number): Promise<void> {
  for (let minute = from; minute <= to; minute++) await cloud.round(START + minute * MINUTE);
}

const alarms = (minute: number) => alarmsAt(data, START, minute);

async function health(): Promise<{ status: number | undefined; reasons: string[]; words: string }> {
  const { statusCode, body = '' } = await cloud.ask('/healthz');
  const { reasons } = JSON.parse(body) as { reasons: { code: string; words: string }[] };
  return {
    status: statusCode,
    reasons: reasons.map(({ code }) => code),
    words: reasons.map(({ words }) => words).join('; '),
  };
}

const lost = (batch: Batch): BatchObservation => ({
  batch,
  bastion: { ok: false, failure: { reason: 'unreachable', phase: 'bastion', detail: 'no route' } },
  observations: [],
});
const logged = (text: string) => cloud.logger.lines.find(({ message }) => message.includes(text))?.fields;
/** Longer than the time after which a batch expires. */
const TOO_LATE_S = 200;

describe('a first deployment', () => {
  it('starts no alarm while everything works', async () => {
    await rounds(0, 20);
    expect(alarms(20)).toEqual({ notified: [], on: [] });
    expect(cloud.meter.total('rounds_total')).toBe(21);
    expect(beats).toHaveLength(21);
  });

  it.each(['probe', 'store', 'evaluate'] as const)(
    'starts an alarm when no round gets as far as %s',
    async (stage) => {
      cloud.fault.stopped = stage;
      await rounds(0, 8);
      expect(alarms(8).notified).toEqual(expect.arrayContaining(['ALARM NothingSeen', 'ALARM NoRound']));
      expect(beats.filter((minute) => minute > 3)).toEqual([]);
    },
  );

  it('starts an alarm when nobody uploads its configuration', async () => {
    cloud.fault.unconfigured = true;
    await rounds(0, 15);
    expect(alarms(15).notified).toEqual(['ALARM NoConfiguration']);
  });

  it('starts an alarm when its bastion does not accept connections yet', async () => {
    probe = lost;
    await rounds(0, 8);
    expect(alarms(8).notified).toEqual(['ALARM NothingSeen']);
    expect(await health()).toMatchObject({ status: 503, reasons: ['nothing-seen'] });
  });
});

it('rounds that no longer start start an alarm, although no function counts anything', async () => {
  await rounds(0, 5);
  expect(alarms(20).notified).toEqual(['INSUFFICIENT_DATA NoStart']);
});

describe('when every batch expires', () => {
  it('no round counts as complete, evaluate withholds the heartbeat, and alarms begin and end', async () => {
    await rounds(0, 4);
    cloud.fault.late = { seconds: TOO_LATE_S };
    await rounds(5, 20);
    expect(cloud.meter.total('batches_expired_total')).toBeGreaterThan(10);
    // Three rounds may be late before evaluate withholds the heartbeat.
    expect(beats).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(cloud.meter.total('rounds_total')).toBe(8);
    expect(alarms(20).on).toEqual(['BatchesExpired', 'NoRound', 'NodesAbsent', 'NothingSeen']);
    expect(await health()).toMatchObject({
      status: 503,
      reasons: ['rounds-missing', 'nothing-seen', 'nodes-absent'],
      words: expect.stringContaining('12 nodes of 2 bastions were due'),
    });
    cloud.fault.late = undefined;
    await rounds(21, 40);
    expect(alarms(40).on).toEqual([]);
    const over = ['BatchesExpired', 'NoRound', 'NodesAbsent', 'NothingSeen'].map((name) => `OK ${name}`);
    expect(alarms(40).notified).toEqual(expect.arrayContaining(over));
    expect((await health()).status).toBe(200);
    expect(beats.at(-1)).toBe(40);
  });

  it.each([1, 3])(
    'of one bastion of two, in %d shards, the same happens, and the log names the bastion',
    async (shards) => {
      await cloud.store.close();
      begin(shards);
      await rounds(0, 4);
      cloud.fault.late = { seconds: TOO_LATE_S, bastion: 'b1' };
      await rounds(5, 15);
      expect(alarms(15).on).toEqual(['BatchesExpired', 'NoRound', 'NodesAbsent']);
      expect(await health()).toMatchObject({
        status: 503,
        words: expect.stringContaining('6 nodes of 1 bastion'),
      });
      expect(logged('due nodes were')).toEqual({ nodes: 6, bastions: 'b1: 6 nodes, nothing of batches 0' });
      expect(beats.at(-1)).toBe(7);
    },
  );
});

it('rounds with a lost bastion count as complete, since its nodes are known to be unknown', async () => {
  await rounds(0, 2);
  probe = (batch) => (batch.bastion === 'b1' ? lost(batch) : observeFleet(batch));
  await rounds(3, 12);
  expect(cloud.meter.total('rounds_total')).toBe(13);
  expect(alarms(12)).toEqual({ notified: [], on: [] });
  expect((await health()).status).toBe(200);
});

it('nodes that are missing from the observations of their batch count as absent', async () => {
  await rounds(0, 2);
  probe = (batch) => {
    const all = observeFleet(batch);
    const isLeftOut = batch.bastion === 'b0';
    return { ...all, observations: isLeftOut ? all.observations.slice(2) : all.observations };
  };
  await rounds(3, 8);
  expect(logged('due nodes were')).toEqual({ nodes: 2, bastions: 'b0: 2 nodes' });
  expect(alarms(8).on).toEqual(['NodesAbsent']);
  await rounds(9, 10);
  expect(alarms(10).on).toEqual(['NoRound', 'NodesAbsent']);
});

it('a node whose samples the store refuses does not count as seen', async () => {
  await rounds(0, 2);
  const seen = cloud.meter.total('nodes_seen_total');
  cloud.fault.refused = () => true;
  await rounds(3, 20);
  expect(cloud.meter.total('nodes_seen_total')).toBe(seen);
  expect(alarms(20).on).toEqual(['NoRound', 'NodesAbsent', 'NothingSeen', 'SamplesRefused']);
  expect(beats.at(-1)).toBeLessThanOrEqual(5);
});

it('a bastion without a queue starts an alarm of plan, and a batch that fails starts alarms of probe', async () => {
  await rounds(0, 2);
  cloud.fault.noQueue = new Set(['b1']);
  await rounds(3, 8);
  // After a deployment that removes a bastion comes the upload; until then its nodes are not due.
  expect(alarms(8)).toEqual({ notified: ['ALARM planBatchesFailed'], on: ['planBatchesFailed'] });
  expect(cloud.meter.total('rounds_total')).toBe(9);
  cloud.fault.noQueue = new Set();
  await rounds(9, 20);
  expect(alarms(20).on).toEqual([]);
  probe = () => {
    throw new ConfigError('the parameter of the key is gone');
  };
  await rounds(21, 36);
  expect(alarms(36).on).toEqual(
    expect.arrayContaining(['NoRound', 'NodesAbsent', 'NothingSeen', 'probeBatchesFailed', 'probeRetries']),
  );
});

describe('a round counts once', () => {
  it.each(['plan', 'evaluate', 'store', 'probe'] as const)(
    'when every message of %s comes twice',
    async (stage) => {
      if (stage !== 'plan') cloud.fault.twice = new Set([stage]);
      for (let minute = 0; minute <= 6; minute++) {
        await cloud.round(START + minute * MINUTE);
        if (stage === 'plan') await cloud.round(START + minute * MINUTE);
      }
      expect(cloud.meter.total('rounds_total')).toBe(7);
      expect(beats).toHaveLength(7);
      expect(alarms(6).on).toEqual([]);
    },
  );

  it('when a message of an old round comes again and again, it completes no round', async () => {
    await rounds(0, 5);
    const again = encodeMessage({ roundMs: START + 2 * MINUTE, shard: { kind: 'whole' } });
    for (let minute = 6; minute <= 20; minute++) {
      await cloud.queues.send('https://sqs.us-east-1.amazonaws.com/000000000000/evaluate', [{ body: again }]);
      await cloud.round(START + minute * MINUTE, { tick: false });
    }
    expect(cloud.meter.total('rounds_total')).toBe(6);
    expect((await health()).reasons).toContain('rounds-missing');
    expect(alarms(20).notified).toEqual(['INSUFFICIENT_DATA NoStart']);
  });
});

describe('each other alarm on counts of functions begins', () => {
  it.each<[alarm: string, minutes: number, begin: () => void]>([
    ['storeRetries', 20, () => (cloud.fault.store = true)],
    ['StoreQueueFailingAge', 20, () => (cloud.fault.store = true)],
    ['EvaluateQueueFailingAge', 8, () => (cloud.fault.store = true)],
    ['DeliverQueueFailingAge', 20, () => (cloud.fault.deliver = true)],
    ['evaluateRetries', 20, () => (cloud.fault.store = true)],
    ['Undelivered', 12, () => (cloud.fault.channel = true)],
    ['deliverRetries', 20, () => (cloud.fault.deliver = true)],
    ['DeliveriesFailed', 6, () => (cloud.fault.channelRefuses = true)],
    ['NotifyFailing', 15, () => (cloud.fault.notify = true)],
    ['SamplesTooLate', 6, () => (cloud.fault.tooLate = ({ metric }) => metric === 'mem_usage')],
    ['EvaluationLag', 10, () => (cloud.fault.lateEvaluation = 270)],
  ])('%s', async (alarm, minutes, fault) => {
    fault();
    await rounds(0, minutes);
    expect(alarms(minutes).notified).toContain(`ALARM ${alarm}`);
  });

  it('RuleFailing begins when a rule throws', async () => {
    const [first, ...others] = config.rules;
    if (!first) throw new Error('the fleet has no rule');
    await cloud.store.close();
    begin(1, { ...config, rules: [{ ...first, where: { node: null as never } }, ...others] });
    await rounds(0, 20);
    expect(alarms(20)).toEqual({ notified: ['ALARM RuleFailing'], on: ['RuleFailing'] });
  });

  it('FleetIncomplete begins when a shard cannot write its partial aggregates', async () => {
    await cloud.store.close();
    begin(3);
    await rounds(0, 1);
    cloud.table.beforeWrite = (writes) => {
      if (writes.some((write) => 'put' in write && String(write.put.sk).includes('1/3')))
        throw new RetryableError('the table throttles that key');
    };
    await rounds(2, 25);
    expect(alarms(25).on).toEqual([
      'EvaluateQueueFailingAge',
      'FleetIncomplete',
      'NoRound',
      'RuleFailing',
      'evaluateRetries',
    ]);
  });

  it('ConfigErrors begins with the count of functions/configuration.test.ts', async () => {
    await rounds(0, 2);
    data.push({ atMs: START + 2 * MINUTE, service: 'plan', name: 'config_errors_total', value: 1 });
    expect(alarms(6).notified).toContain('ALARM ConfigErrors');
  });

  it('and no alarm is without such a test', () => {
    const names = stack.alarms
      .filter(({ Properties }) => Properties.Namespace === 'Bartizan')
      .map(({ id }) => id);
    const tested = readFileSync(import.meta.filename, 'utf8');
    const bare = names.map((id) => id.replace(/Alarm[0-9A-F]{8}$/, '').replace(/^Rounds/, ''));
    expect(bare.filter((name) => !new RegExp(`'(\\w+ )?${name}\\b`).test(tested))).toEqual([]);
  });
});

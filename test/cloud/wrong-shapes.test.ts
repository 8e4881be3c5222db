// Messages of a wrong shape, on each queue of the deployment: each is received once, becomes a dead letter, and starts
// an alarm.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import type { Stage } from './faults.ts';
import { fleetConfig, observeFleet } from './fleet.ts';

const START = 480_000 * 3_600_000;
let dir: string;
let cloud: Cloud;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-shapes-'));
  const config = fleetConfig({ bastions: 1, clusters: 2 });
  cloud = startCloud({ config, dir, startMs: START, shards: 2, probe: observeFleet });
  await cloud.round(START);
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

const ANY = ['{', '[]', '{}', 'null', '5', '{"gzip":"bm8="}', '{"gzip":5}'];
const batch = { roundMs: START, bastion: 'b0', index: 0, count: 1, checks: ['usage'], targets: [] };
const shard = { kind: 'clusters', index: 0, count: 2 };
const OF: Readonly<Record<Stage, readonly unknown[]>> = {
  probe: [batch, { ...batch, expiresAtMs: '0' }, { ...batch, expiresAtMs: START, targets: [{ node: 'n' }] }],
  store: [
    { batch, bastion: { ok: true }, observations: [] },
    { batch: { ...batch, expiresAtMs: 0 }, bastion: {}, observations: [] },
    { batch: { ...batch, expiresAtMs: 0 }, bastion: { ok: true }, observations: [{}] },
  ],
  evaluate: [{ roundMs: START }, { roundMs: START, shard: 'whole' }, { roundMs: 1e300, shard }],
  notify: [{ why: 5 }, { why: 'tick', untilMs: 'soon' }],
  deliver: [{ incidentId: 5 }, { id: 'i' }],
};

it.each(Object.entries(OF) as [Stage, readonly unknown[]][])(
  'a message of a wrong shape on the queue of %s becomes a dead letter at once',
  async (stage, ofStage) => {
    const bodies = [...ANY, ...ofStage.map((one) => JSON.stringify(one))];
    const name = stage === 'deliver' ? 'deliver.fifo' : stage;
    const url = `https://sqs.us-east-1.amazonaws.com/000000000000/${name}`;
    await cloud.queues.send(
      url,
      bodies.map((body, i) => ({
        body,
        ...(stage === 'deliver' && { fifo: { groupId: `g${i}`, deduplicationId: `d${i}` } }),
      })),
    );
    await cloud.round(START + MINUTE);
    expect(cloud.dead(stage).toSorted()).toEqual(bodies.toSorted());
    expect(cloud.meter.total('messages_dead_total')).toBe(bodies.length);
    expect(cloud.meter.total('messages_retried_total')).toBe(0);
    const notified = cloud.logger.lines.filter((line) => JSON.stringify(line).includes('can never succeed'));
    expect(notified).toHaveLength(bodies.length);
    // Valid messages beside them are handled.
    const up = await cloud.store.query({ metric: 'up', fromMs: START + MINUTE, toMs: START + MINUTE });
    expect(up).toHaveLength(6);
  },
);

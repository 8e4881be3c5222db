// Uploads of users: a change that needs a deployment stops nothing, and a batch that cannot be sent affects only
// itself.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { CounterName } from '../../core/own-metrics.ts';
import { CONFIG_KEY } from '../memory-bucket.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { bastionNames, fleetConfig, fleetText, observeFleet } from './fleet.ts';

const START = 480_000 * 3_600_000;
let dir: string;
let cloud: Cloud;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-upload-'));
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

const total = (name: CounterName) => cloud.meter.total(name);
const notified = () => JSON.stringify(cloud.logger.lines);

const TEXT = fleetText({ bastions: 2, clusters: 4 });
const replaced = (from: string, to: string) => {
  expect(TEXT).toContain(from);
  return TEXT.replace(from, to);
};

it.each<[what: string, from: string, to: string, error: string]>([
  [
    'a batch that exceeds a message',
    'batchSize: 300',
    'batchSize: 7000',
    'bastions b0: a batch of 7000 nodes',
  ],
  ['an interval of half a minute', 'every: 1m', 'every: 30s', 'checks usage: it runs every 30 s'],
  ['only one connection', 'batchSize: 300', 'maxConnections: 1', 'bastions b0: a queue feeds two functions'],
  ['another number of connections', 'batchSize: 300', 'maxConnections: 5', 'bastions b0.maxConnections: '],
  ['an endless deadline', 'batchSize: 300', 'deadlines: { exec: 20m }', 'bastions b0: a batch of silent'],
  [
    'a longer deadline',
    'batchSize: 300',
    'deadlines: { exec: 2m }',
    'bastions.batchSize, concurrency, deadlines: a batch of silent nodes takes ',
  ],
  ['another interval', 'every: 1m', 'every: 10m', 'checks.every: rounds would start every 10 min'],
  ['a bastion that moved', 'host: b0', 'host: 203.0.113.9', 'bastions b0.host, port: '],
  ['another port', 'host: b0', 'host: b0\n    port: 2222', 'bastions b0.host, port: '],
  ['another key', '${ssm:/key}', '${ssm:/other:3}', 'bastions b0: no function may read ${ssm:/other:3}'],
  [
    'a new secret of a channel',
    'url: https://chat.example.net/',
    'url: ${ssm:/chat}',
    'channels ops: no function may read ${ssm:/chat}',
  ],
  [
    'a heartbeat',
    'channels:',
    'server: { heartbeat: "${ssm:/heartbeat}" }\nchannels:',
    'server.heartbeat: no function may read ${ssm:/heartbeat}',
  ],
  ['another store', 'samples.example.net', 'other.example.net', 'store: permissions, time-outs'],
  [
    'pictures with a longer retention',
    'channels:',
    'server: { chartRetention: 400d }\nchannels:',
    'server.chartRetention: the bucket deletes pictures after ',
  ],
  [
    'a longer query',
    'channels:',
    'server: { history: { timeout: 90s } }\nchannels:',
    'server.history.timeout: a query may take 90 s, and its function was deployed for 30',
  ],
  [
    'logins of people',
    'channels:',
    'server: { publicUrl: https://b.example.net, oidc: { issuer: https://login.example.net, clientId: b, clientSecret: "${ssm:/client}", groups: [{ group: ops, scope: read }] } }\nchannels:',
    'server.oidc: no function may read ${ssm:/client}',
  ],
  [
    'a source of clusters',
    'channels:',
    'inventory: [{ type: ssm, path: /clusters }]\nchannels:',
    'inventory: no function may read ssm /clusters',
  ],
])(
  'an upload with %s: the former configuration stays active, rounds go on, and each of them counts an error',
  async (_what, from, to, error) => {
    cloud = startCloud({ config: TEXT, bastions: bastionNames(2), dir, startMs: START, probe: observeFleet });
    await cloud.round(START);
    cloud.bucket.putText(CONFIG_KEY, replaced(from, to));
    for (let round = 1; round <= 2; round++) {
      await cloud.round(START + round * MINUTE);
      expect([total('rounds_planned_total'), total('config_errors_total')]).toEqual([round + 1, round]);
    }
    expect(notified()).toContain(error.replaceAll('"', '\\"'));
    expect(notified()).toContain('the former one stays active');
  },
);

it('a change that needs no deployment is active in the next round', async () => {
  cloud = startCloud({ config: TEXT, bastions: bastionNames(2), dir, startMs: START, probe: observeFleet });
  await cloud.round(START);
  const lower = replaced('batchSize: 300', 'batchSize: 200');
  cloud.bucket.putText(CONFIG_KEY, lower.replace('above: 90', 'above: 80').replace('n0', 'other'));
  await cloud.round(START + MINUTE);
  expect(total('config_errors_total')).toBe(0);
  const at = { fromMs: START + MINUTE, toMs: START + MINUTE };
  expect(await cloud.store.query({ metric: 'up', where: { node: ['other'] }, ...at })).toHaveLength(1);
});

it('a batch that exceeds a message affects only itself, and the other bastion is probed', async () => {
  // The configuration became active under a release that accepted it.
  const before = fleetConfig({ bastions: 2, clusters: 6 });
  const config = {
    ...before,
    bastions: before.bastions.map((one) => ({ ...one, batchSize: one.name === 'b0' ? 7000 : 300 })),
    clusters: before.clusters.map((one) => ({
      ...one,
      nodes: one.nodes.map((node, i) => ({
        ...node,
        // Noise does not compress.
        hostKeys: one.bastion === 'b0' ? [noise(i, 100_000)] : node.hostKeys,
      })),
    })),
  };
  cloud = startCloud({ config, dir, startMs: START, probe: observeFleet });
  await cloud.round(START);
  expect([total('rounds_planned_total'), total('batches_failed_total')]).toEqual([1, 1]);
  expect(notified()).toMatch(/its message has \d+ bytes of at most 204800; lower `batchSize`/);
  const at = { fromMs: START, toMs: START };
  expect(await cloud.store.query({ metric: 'up', ...at })).toHaveLength(9);
});

it.each<[what: string, error: Error]>([
  ['refuses a batch for good', new PermanentError('InvalidMessageContents')],
  ['does not answer for a batch', new RetryableError('503')],
])('when a queue %s, the other batches of the round are sent', async (_what, error) => {
  const config = fleetConfig({ bastions: 2, clusters: 4 });
  cloud = startCloud({ config, dir, startMs: START, probe: observeFleet });
  const { send } = cloud.queues;
  cloud.queues.send = async (url, messages) => {
    if (messages.some(({ body }) => body.includes('"bastion":"b0","index"'))) throw error;
    await send(url, messages);
  };
  await cloud.round(START);
  expect([total('rounds_planned_total'), total('batches_failed_total')]).toEqual([1, 1]);
  expect(notified()).toContain('batches could not be sent');
  const at = { fromMs: START, toMs: START };
  expect(await cloud.store.query({ metric: 'up', ...at })).toHaveLength(6);
});

it('when no queue answers, the next start plans the round again', async () => {
  const config = fleetConfig({ bastions: 2, clusters: 4 });
  cloud = startCloud({ config, dir, startMs: START, probe: observeFleet });
  const { send } = cloud.queues;
  cloud.queues.send = async (url, messages) => {
    if (url.endsWith('/probe')) throw new RetryableError('503');
    await send(url, messages);
  };
  await expect(cloud.start(START)).rejects.toThrow('503');
  cloud.queues.send = send;
  await cloud.start(START);
  await cloud.wait(START + MINUTE);
  const at = { fromMs: START, toMs: START };
  expect(await cloud.store.query({ metric: 'up', ...at })).toHaveLength(12);
});

function noise(seed: number, length: number): string {
  let state = seed + 1;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += state.toString(36);
  }
  return text;
}

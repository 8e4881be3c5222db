// Many incidents at once for one chat service that takes a message a second: through queue, table and functions, in
// virtual time.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { configOf, configText } from '../config-cases.ts';
import { createRateLimitedChat, type RateLimitedChat } from '../rate-limited-chat.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';

const START = 480_000 * 3_600_000;
const NODES = 300;
const nodes = Array.from({ length: NODES }, (_, i) => `{ name: n${i}, role: etcd, host: h }`);
const config = configOf(
  configText({
    clusters: `clusters:
  - name: one
    bastion: seoul
    nodes: [${nodes.join(', ')}]
`,
    more: `rules:
  - { name: memory, metric: mem_usage, above: 90, for: 1m, severity: warning }
routes: [{ name: all, channels: [ops], groupBy: [rule, node] }]
`,
  }),
);

function observe(batch: Batch): BatchObservation {
  const observations = batch.targets.map((target) => {
    const { cluster, node, role } = target;
    const at = { check: 'usage', target, roundMs: batch.roundMs, observedAtMs: batch.roundMs, durationMs: 1 };
    const labels = { cluster, node, role };
    const samples = [{ metric: 'mem_usage', labels, timeMs: batch.roundMs, value: 95 }];
    return { ...at, result: { ok: true as const, samples, notes: [] } };
  });
  return { batch, bastion: { ok: true }, observations };
}

let dir: string;
let chat: RateLimitedChat;
let cloud: Cloud;

function start(paced: boolean): void {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-storm-'));
  cloud = startCloud({
    config,
    dir,
    startMs: START,
    probe: observe,
    chat: (clock) => {
      const destination = { key: 'chat', everyMs: 1_000 };
      chat = createRateLimitedChat({ clock, everyMs: 1_000, ...(paced && { destination }) });
      return chat.channel;
    },
  });
}
beforeEach(() => {
  dir = '';
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

it.each([
  ['its limit is known', true, 5],
  ['it says its limit with 429', false, 60],
])(
  `a storm of ${NODES} incidents drains as fast as the chat service takes messages, when %s`,
  async (_, paced, refusals) => {
    start(paced);
    for (let minute = 0; minute <= 8; minute++) await cloud.round(START + minute * MINUTE);
    const times = chat.taken.map(({ atMs }) => atMs);
    expect(new Set(chat.taken.map(({ notification }) => notification.incidentId)).size).toBe(NODES);
    expect(times).toHaveLength(NODES);
    const tookS = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;
    expect(tookS).toBeLessThan(NODES * 1.3);
    expect(chat.refused.length).toBeLessThanOrEqual(refusals);
    expect(cloud.dead('deliver')).toEqual([]);
  },
  60_000,
);

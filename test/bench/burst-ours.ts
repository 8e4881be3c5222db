// The product in a burst: `burst-ours.ts FOLDER URL SECRET CLUSTERS` evaluates a round in which a node of each cluster
// fires, and sends the messages. When stdin ends, it prints how long its event loop was blocked, and exits.

import { join } from 'node:path';
import { createChannels } from '../../adapters/channels/registry.ts';
import { createPictureQueue } from '../../adapters/charts/picture-queue.ts';
import { startWorkerThread } from '../../adapters/charts/worker-thread.ts';
import { stateInTurns, storeInTurns } from '../../adapters/event-loop/turns.ts';
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Sample } from '../../core/model/sample.ts';
import { WHOLE } from '../../core/plan/shards.ts';
import { createDraw } from '../../core/stages/draw.ts';
import { evaluateShard } from '../../core/stages/evaluate.ts';
import { createChartFiles } from '../../local/chart-files.ts';
import { systemClock as clock, systemSleep as sleep } from '../../local/clock.ts';
import { createMeter } from '../../local/meter.ts';
import { startNotifier } from '../../local/notifier.ts';
import { recordLoop } from './loop-record.ts';

const [dir = '', url = '', secret = '', count = '1'] = process.argv.slice(2);
const MINUTE_MS = 60_000;
const NODES = 3;
const ROUNDS = 180;
/** Rounds in which the first node of each cluster breaches. */
const BREACHING = 6;
const SETTLE_MS = 1_000;

const rule: Rule = {
  name: 'memory-usage',
  title: 'Memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 5 * MINUTE_MS,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'critical',
  inhibitedBy: [],
};
const config = {
  rules: [rule],
  checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE_MS, where: {}, options: {} }],
  channels: [{ name: 'ops', type: 'webhook', theme: 'dark', options: { url, secret: '${env:SECRET}' } }],
  routes: [
    {
      name: 'default',
      match: {},
      channels: ['ops'],
      continue: false,
      groupBy: ['rule', 'cluster'],
      groupWaitMs: 0,
      groupIntervalMs: 5 * MINUTE_MS,
      repeatIntervalMs: 240 * MINUTE_MS,
    },
  ],
  silences: [],
  schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE_MS },
} as unknown as Config;
const targets = Array.from({ length: Number(count) * NODES }, (_, i) => ({
  cluster: `prod-${Math.floor(i / NODES)}`,
  node: `node-${i % NODES}`,
  role: 'controlplane' as const,
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'b',
  hostKeys: [],
}));

const secrets = {
  resolve: async (text: string) => (text === '${env:SECRET}' ? secret : text),
  redact: (text: string) => text,
};
const quiet = () => {};
const logger = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: (text: string) => process.stderr.write(`${text}\n`),
};
const meter = createMeter();
const store = storeInTurns(openSqliteStore({ path: dir }));
const state = stateInTurns(openSqliteState({ path: dir }));
const lastMs = Math.floor(clock.nowMs() / MINUTE_MS) * MINUTE_MS;

function roundOf(round: number): Sample[] {
  const timeMs = lastMs - (ROUNDS - 1 - round) * MINUTE_MS;
  return targets.flatMap(({ cluster, node, role }, i) => {
    const labels = { cluster, node, role };
    const breaches = i % NODES === 0 && round >= ROUNDS - BREACHING;
    const value = breaches ? 93 + (round % 3) : 50 + 10 * (i % NODES) + 5 * Math.sin(round / 7 + i);
    return [
      { metric: 'mem_usage', labels, timeMs, value },
      { metric: 'up', labels, timeMs, value: 1 },
    ];
  });
}
for (let round = 0; round < ROUNDS - 1; round++) await store.write(roundOf(round));

const ports = { store, state, secrets, clock, sleep, logger, meter };
const charts = await createChartFiles({
  dir: join(dir, 'charts'),
  publicUrl: 'http://127.0.0.1:1',
  retentionMs: MINUTE_MS,
  nowMs: clock.nowMs,
});
const drawer = createPictureQueue({ startThread: () => startWorkerThread({ path: dir }) });
const notifier = startNotifier(config, {
  ...ports,
  channels: await createChannels(config.channels, { secrets, clock }),
  draw: createDraw({ drawer, charts, config }),
});
const evaluateOnce = (roundMs: number) => evaluateShard({ config, targets, roundMs, shard: WHOLE }, ports);
// A running `up` has evaluated rounds before.
await evaluateOnce(lastMs - MINUTE_MS);
await sleep(SETTLE_MS, new AbortController().signal);

const recorded = recordLoop();
const busy = process.cpuUsage();
const startMs = Date.now();
await store.write(roundOf(ROUNDS - 1));
await evaluateOnce(lastMs);
notifier.wake();
process.stdout.write(`${JSON.stringify({ startMs })}\n`);

for await (const _ of process.stdin);
const record = recorded();
const { user, system } = process.cpuUsage(busy);
await notifier.stop(0);
drawer.close();
await state.close();
await store.close();
process.stdout.write(
  `${JSON.stringify({
    ...record,
    cpuMs: (user + system) / 1e3,
    inVain: meter.total('pictures_in_vain_total'),
  })}\n`,
);

// The stages of evaluate and notify over state in memory, in virtual time, for tests.

import { labelKey } from '../core/labels.ts';
import { meterTo } from '../core/meter.ts';
import type { Config } from '../core/model/config.ts';
import type { Labels } from '../core/model/labels.ts';
import type { Notification, Picture } from '../core/model/notification.ts';
import type { Route } from '../core/model/route.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Sample, Series } from '../core/model/sample.ts';
import type { Target } from '../core/model/target.ts';
import { type Shard, WHOLE } from '../core/plan/shards.ts';
import type { Channel, SampleStore, StateStore } from '../core/ports.ts';
import { isSelected } from '../core/selection.ts';
import { type DeliverPorts, deliverDue } from '../core/stages/deliver.ts';
import { evaluateShard } from '../core/stages/evaluate.ts';
import { groupTransitions } from '../core/stages/group.ts';
import { reconcileIncidents } from '../core/stages/reconcile.ts';
import { createMemoryState } from './memory-state.ts';
import { createRecordingLogger } from './recording-logger.ts';
import { createVirtualTime } from './virtual-time.ts';

export const MINUTE = 60_000;
export const START = 1_000 * MINUTE;

export const memory: Rule = {
  name: 'memory',
  title: 'Memory',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 2 * MINUTE,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: ['node-down'],
};
export const nodeDown: Rule = {
  ...memory,
  name: 'node-down',
  title: 'Node down',
  metric: 'up',
  condition: { kind: 'below', threshold: 1 },
  inhibitedBy: [],
};
export const route: Route = {
  name: 'default',
  match: {},
  channels: ['ops'],
  continue: false,
  groupBy: ['rule', 'cluster'],
  groupWaitMs: 0,
  groupIntervalMs: 5 * MINUTE,
  repeatIntervalMs: 60 * MINUTE,
  resolvedEarly: true,
};
const node = (name: string) => ({ cluster: 'prod', node: name, role: 'etcd' as const });

type StageConfig = Pick<Config, 'rules' | 'checks' | 'schedule' | 'routes' | 'silences' | 'channels'>;

function createStoreOf(samples: Sample[]): Pick<SampleStore, 'query' | 'latest' | 'write'> {
  const store: Pick<SampleStore, 'query' | 'latest' | 'write'> = {
    async latest({ sinceMs, ...query }) {
      const found = await store.query({ ...query, fromMs: sinceMs, toMs: Infinity });
      return found.map((series) => ({ ...series, points: series.points.slice(-1) }));
    },
    async write(written) {
      samples.push(...written);
      return { written: written.length, duplicates: 0, rejected: [] };
    },
    async query({ metric, fromMs, toMs, ...selection }) {
      const found = new Map<string, Series & { points: { timeMs: number; value: number }[] }>();
      for (const { metric: name, labels, timeMs, value } of samples) {
        if (name !== metric || timeMs < fromMs || timeMs > toMs || !isSelected(selection, labels)) continue;
        const key = labelKey(labels);
        const series = found.get(key) ?? { metric, labels, points: [] };
        series.points.push({ timeMs, value });
        found.set(key, series);
      }
      return [...found.values()];
    },
  };
  return store;
}

export function createStageFixture(
  options: { rules?: Rule[]; routes?: Route[]; channels?: StageConfig['channels']; state?: StateStore } = {},
) {
  const time = createVirtualTime(START);
  const state = options.state ?? createMemoryState();
  const samples: Sample[] = [];
  const counted = new Map<string, number>();
  /** Observations of histograms: the values, by name. */
  const observed = new Map<string, number[]>();
  const meter = meterTo(({ kind, name, value }) => {
    if (kind === 'counter') counted.set(name, (counted.get(name) ?? 0) + value);
    if (kind === 'histogram') observed.set(name, [...(observed.get(name) ?? []), value]);
  });
  const sent: { channel: string; notification: Notification; picture: Picture | undefined; atMs: number }[] =
    [];
  const answers: Record<string, () => Promise<void>> = {};
  const channel = (name: string): Channel => ({
    async send(notification, picture) {
      await answers[name]?.();
      sent.push({ channel: name, notification, picture, atMs: time.clock.nowMs() });
      return { detail: 'accepted' };
    },
  });
  const config: StageConfig = {
    rules: options.rules ?? [memory],
    routes: options.routes ?? [route],
    checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
    channels: options.channels ?? [{ name: 'ops', type: 'webhook', theme: 'dark' as const, options: {} }],
    silences: [],
    schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
  };
  const logger = createRecordingLogger();
  const picture: Picture = { png: new Uint8Array([1]), width: 1, height: 1, alt: 'chart' };
  const ports: DeliverPorts & { store: SampleStore } = {
    state,
    store: createStoreOf(samples) as SampleStore,
    channels: new Map(config.channels.map(({ name }) => [name, channel(name)])),
    draw: async () => picture,
    sleep: time.sleep,
    secrets: { redact: (text) => text.replaceAll('hunter2', '<secret>') },
    clock: time.clock,
    logger,
    meter,
  };
  const never = new AbortController().signal;
  const targets = ['n1', 'n2'].map(
    (name): Target => ({
      ...node(name),
      host: 'h',
      port: 22,
      user: 'u',
      bastion: 'b',
      hostKeys: [],
    }),
  );
  return {
    time,
    state,
    ports,
    sent,
    answers,
    counted,
    observed,
    config,
    logger,
    targets,
    put(minute: number, values: Record<string, number>, metric = 'mem_usage') {
      for (const [name, value] of Object.entries(values)) {
        samples.push({ metric, labels: node(name), timeMs: START + minute * MINUTE, value });
        if (metric !== 'up')
          samples.push({ metric: 'up', labels: node(name), timeMs: START + minute * MINUTE, value: 1 });
      }
    },
    /** What the inventory says of a node from now on; undefined as for a node without labels. */
    label(name: string, labels: Labels | undefined) {
      const target = targets.find((one) => one.node === name);
      if (!target) return;
      delete target.labels;
      if (labels) target.labels = labels;
    },
    evaluate: (minute: number, shard: Shard = WHOLE) =>
      evaluateShard({ config, targets, roundMs: START + minute * MINUTE, shard }, ports),
    async notify(signal = never) {
      await groupTransitions(config, ports);
      await reconcileIncidents(config, ports, { alone: false });
      return await deliverDue(config, ports, signal);
    },
    goTo: (minute: number) => time.advanceTo(START + minute * MINUTE),
    /** `channel reason status nodes` of each sent message. */
    sentLines: () =>
      sent.map(({ channel: name, notification: n }) =>
        [
          name,
          n.number,
          n.reason,
          n.status,
          n.alerts.map((a) => `${a.labels.node}:${a.status}`).join('+'),
        ].join(' '),
      ),
  };
}

export type StageFixture = ReturnType<typeof createStageFixture>;

/** n1 breaches from minute 0; fires at 2. */
export async function fire(fixture: StageFixture): Promise<void> {
  for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 50 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
}

export async function clear(fixture: StageFixture, minute: number): Promise<void> {
  fixture.put(minute, { n1: 50, n2: 50 });
  await fixture.goTo(minute);
  await fixture.evaluate(minute);
}

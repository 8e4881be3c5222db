// The stages one after the other, over state in memory, in virtual time: what is said, when, whatever fails.
import { describe, expect, it } from 'vitest';
import { createMemoryState } from '../../test/memory-state.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { createVirtualTime } from '../../test/virtual-time.ts';
import type { Config, Route } from '../config/types.ts';
import { ConfigError, PermanentError, RetryableError } from '../errors.ts';
import { labelKey } from '../labels.ts';
import type { Rule, Sample, Series } from '../model.ts';
import type { Notification, Picture } from '../notify/model.ts';
import type { Channel, Meter, SampleStore, StateStore } from '../ports.ts';
import { type DeliverPorts, deliverDue, PICTURE_WAIT_MS } from './deliver.ts';
import { evaluate } from './evaluate.ts';
import { fanOut } from './fan-out.ts';

const MINUTE = 60_000;
const START = 1_000 * MINUTE;

const memory: Rule = {
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
const nodeDown: Rule = {
  ...memory,
  name: 'node-down',
  title: 'Node down',
  metric: 'up',
  condition: { kind: 'below', threshold: 1 },
  inhibitedBy: [],
};
const route: Route = {
  name: 'default',
  match: {},
  channels: ['ops'],
  continue: false,
  groupBy: ['rule', 'cluster'],
  groupWaitMs: 0,
  groupIntervalMs: 5 * MINUTE,
};
const node = (name: string) => ({ cluster: 'prod', node: name, role: 'etcd' as const });

type StageConfig = Pick<Config, 'rules' | 'checks' | 'schedule' | 'routes' | 'silences' | 'channels'>;

function createStoreOf(samples: Sample[]): Pick<SampleStore, 'query'> {
  return {
    async query({ metric, fromMs, toMs }) {
      const found = new Map<string, Series & { points: { timeMs: number; value: number }[] }>();
      for (const { metric: name, labels, timeMs, value } of samples) {
        if (name !== metric || timeMs < fromMs || timeMs > toMs) continue;
        const key = labelKey(labels);
        const series = found.get(key) ?? { metric, labels, points: [] };
        series.points.push({ timeMs, value });
        found.set(key, series);
      }
      return [...found.values()];
    },
  };
}

function createWorld(
  options: { rules?: Rule[]; routes?: Route[]; channels?: StageConfig['channels']; state?: StateStore } = {},
) {
  const time = createVirtualTime(START);
  const state = options.state ?? createMemoryState();
  const samples: Sample[] = [];
  const counted = new Map<string, number>();
  const meter: Meter = {
    count: (name, _labels, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by),
    gauge: () => undefined,
  };
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
    channels: options.channels ?? [{ name: 'ops', type: 'webhook', options: {} }],
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
  const targets = ['n1', 'n2'].map((name) => ({
    ...node(name),
    host: 'h',
    port: 22,
    user: 'u',
    bastion: 'b',
    hostKeys: [],
  }));
  return {
    time,
    state,
    ports,
    sent,
    answers,
    counted,
    config,
    logger,
    put(minute: number, values: Record<string, number>, metric = 'mem_usage') {
      for (const [name, value] of Object.entries(values)) {
        samples.push({ metric, labels: node(name), timeMs: START + minute * MINUTE, value });
        if (metric !== 'up')
          samples.push({ metric: 'up', labels: node(name), timeMs: START + minute * MINUTE, value: 1 });
      }
    },
    judge: (minute: number) =>
      evaluate({ config, targets, roundMs: START + minute * MINUTE, shard: 's' }, ports),
    async notify(signal = never) {
      await fanOut(config, ports);
      return await deliverDue(config, ports, signal);
    },
    goTo: (minute: number) => time.advanceTo(START + minute * MINUTE),
    /** `channel reason status nodes` of all that was sent. */
    said: () =>
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

type World = ReturnType<typeof createWorld>;

/** n1 breaches from minute 0; fires at 2. */
async function fire(world: World): Promise<void> {
  for (const minute of [0, 1, 2]) world.put(minute, { n1: 95, n2: 50 });
  await world.goTo(2);
  await world.judge(2);
}

async function clear(world: World, minute: number): Promise<void> {
  world.put(minute, { n1: 50, n2: 50 });
  await world.goTo(minute);
  await world.judge(minute);
}

describe('the usual course', () => {
  it('says firing with a picture, then resolved after groupInterval, each once', async () => {
    const world = createWorld();
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    expect(world.sent[0]).toMatchObject({ picture: { alt: 'chart' }, atMs: START + 2 * MINUTE });
    await clear(world, 3);
    await world.notify();
    expect(world.sent).toHaveLength(1);
    await world.goTo(7);
    await world.notify();
    expect(world.said().slice(1)).toEqual(['ops 2 all-resolved resolved n1:resolved']);
    expect(await world.state.listIncidents({ open: true, limit: 9 })).toEqual([]);
    expect(await world.state.nextDueMs()).toBeUndefined();
    const deliveries = await world.state.listDeliveries({ limit: 9 });
    expect(deliveries.map(({ number, outcome, picture }) => [number, outcome, picture])).toEqual([
      [2, 'delivered', 'sent'],
      [1, 'delivered', 'sent'],
    ]);
  });

  it('says an alert that fired and cleared during an outage in one message with both times', async () => {
    const world = createWorld();
    await world.judge(-1);
    for (const [minute, value] of [95, 95, 95, 95, 40].entries()) world.put(minute, { n1: value });
    await world.goTo(30);
    await world.judge(4);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 fired-and-resolved resolved n1:resolved']);
    expect(world.sent[0]?.notification.alerts[0]).toMatchObject({
      firedAtMs: START + 2 * MINUTE,
      resolvedAtMs: START + 4 * MINUTE,
    });
  });

  it('puts alerts of a rule and cluster that fire together into one message', async () => {
    const world = createWorld();
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 95, n2: 99 });
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing+n2:firing']);
  });

  it('says how the probe failed when a node is down', async () => {
    const world = createWorld({ rules: [nodeDown] });
    for (const minute of [0, 1, 2]) world.put(minute, { n1: 0, n2: 1 }, 'up');
    const status = {
      cluster: 'prod',
      node: 'n1',
      check: 'usage',
      roundMs: 1,
      ok: false,
      reason: 'unreachable',
      detail: 'refused',
    } as const;
    await world.state.putTargetStatus([status]);
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.sent[0]?.notification.alerts[0]?.detail).toBe('unreachable: refused');
  });

  it('says memory of a node only while that node is not known to be down', async () => {
    const world = createWorld({ rules: [memory, nodeDown] });
    for (const minute of [0, 1, 2]) {
      world.put(minute, { n1: 95 });
      world.put(minute, { n2: 0 }, 'up');
    }
    await world.goTo(2);
    await world.judge(2);
    await world.notify();
    expect(world.sent.map(({ notification: n }) => [n.alerts[0]?.rule, n.alerts[0]?.labels.node])).toEqual([
      ['memory', 'n1'],
      ['node-down', 'n2'],
    ]);
  });

  it('resolves the alerts of a rule that is gone from the configuration', async () => {
    const world = createWorld();
    await fire(world);
    await world.notify();
    world.config.rules = [];
    await world.judge(3);
    await world.goTo(8);
    await world.notify();
    expect(world.said().at(-1)).toBe('ops 2 all-resolved resolved n1:resolved');
    expect(world.sent.at(-1)?.notification.alerts[0]).toMatchObject({ reason: 'removed', title: 'Memory' });
    expect(await world.state.listRules()).toEqual([]);
  });

  it('counts what no route takes', async () => {
    const world = createWorld({ routes: [{ ...route, match: { severity: ['critical'] } }] });
    await fire(world);
    await world.notify();
    expect(world.sent).toEqual([]);
    expect(world.counted.get('transitions_unrouted_total')).toBe(1);
    expect(await world.state.dueOutbox(world.time.clock.nowMs(), 9)).toEqual([]);
  });
});

describe('a silence', () => {
  it('withholds the message and says it when the silence ends', async () => {
    const world = createWorld();
    world.config.silences = [
      { match: { node: ['n1'] }, fromMs: START, untilMs: START + 10 * MINUTE, comment: '' },
    ];
    await fire(world);
    await world.notify();
    expect(world.sent).toEqual([]);
    expect(await world.state.nextDueMs()).toBe(START + 10 * MINUTE);
    await world.goTo(10);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  });
});

describe('a channel that fails', () => {
  it('is retried after what it asked for, under the same number', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new RetryableError('busy', { retryAfterMs: 90_000 });
    };
    await fire(world);
    await world.notify();
    expect(await world.state.nextDueMs()).toBe(START + 3.5 * MINUTE);
    world.answers.ops = async () => undefined;
    await world.goTo(3);
    await world.notify();
    expect(world.sent).toEqual([]);
    await world.goTo(3.5);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    const deliveries = await world.state.listDeliveries({ limit: 9 });
    expect(deliveries.map((d) => [d.number, d.attempt, d.outcome])).toEqual([
      [1, 2, 'delivered'],
      [1, 1, 'retry'],
    ]);
  });

  it('takes the next number when there is more to say by then', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new Error('connection reset');
    };
    await fire(world);
    await world.notify();
    world.answers.ops = async () => undefined;
    await clear(world, 3);
    await world.notify();
    expect(world.said()).toEqual(['ops 2 fired-and-resolved resolved n1:resolved']);
  });

  it('hands a refused message to the fallback, and goes on with the next', async () => {
    const channels = [
      { name: 'ops', type: 'webhook', fallback: 'spare', options: {} },
      { name: 'spare', type: 'webhook', options: {} },
    ];
    const world = createWorld({ channels });
    world.answers.ops = async () => {
      throw new ConfigError('401 for hunter2');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.said()).toEqual(['spare 1 fallback firing n1:firing']);
    world.answers.ops = async () => undefined;
    await clear(world, 8);
    await world.notify();
    expect(world.said().at(-1)).toBe('ops 2 all-resolved resolved n1:resolved');
    const failed = (await world.state.listDeliveries({ limit: 9 })).filter(
      (delivery) => delivery.outcome === 'failed',
    );
    expect(failed).toMatchObject([{ channel: 'ops', number: 1, detail: '401 for <secret>' }]);
    expect(JSON.stringify(world.logger.lines)).not.toContain('hunter2');
  });

  it('is given up without a fallback, counted and shown', async () => {
    const world = createWorld();
    world.answers.ops = async () => {
      throw new PermanentError('no such hook');
    };
    await fire(world);
    await world.notify();
    await world.notify();
    expect(world.counted.get('deliveries_failed_total')).toBe(1);
    expect(
      world.logger.lines.some((line) => line.level === 'error' && line.message.includes('give-up')),
    ).toBe(true);
  });

  it('does not delay another', async () => {
    const routes = [{ ...route, channels: ['ops', 'slow'] }];
    const channels = ['ops', 'slow'].map((name) => ({ name, type: 'webhook', options: {} }));
    const world = createWorld({ routes, channels });
    let release: () => void = () => undefined;
    world.answers.slow = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    await fire(world);
    const pass = world.notify();
    await world.goTo(2.1);
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    release();
    await pass;
    expect(world.sent).toHaveLength(2);
  });
});

describe('the picture', () => {
  it('is not waited for longer than three seconds', async () => {
    const world = createWorld();
    world.ports.draw = () => new Promise(() => undefined);
    await fire(world);
    const pass = world.notify();
    await world.time.advanceTo(START + 2 * MINUTE + PICTURE_WAIT_MS - 1);
    expect(world.sent).toEqual([]);
    await world.time.advanceTo(START + 2 * MINUTE + PICTURE_WAIT_MS);
    await pass;
    expect(world.sent[0]?.picture).toBeUndefined();
    expect((await world.state.listDeliveries({ limit: 1 }))[0]?.picture).toBe('late');
    expect(world.counted.get('pictures_missing_total')).toBe(1);
  });

  it('is left out when drawing fails', async () => {
    const world = createWorld();
    world.ports.draw = async () => {
      throw new Error('no font');
    };
    await fire(world);
    await world.notify();
    expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
    expect((await world.state.listDeliveries({ limit: 1 }))[0]?.picture).toBe('failed');
  });
});

describe('killed at any step', () => {
  const STEPS = ['commitAlert', 'saveCheckpoint', 'commitIncidents'] as const;

  /** State whose nth write dies, before or after it took effect; then all is as if the process were new. */
  function dying(inner: StateStore, nth: number, after: boolean): StateStore {
    let writes = 0;
    const wrapped: StateStore = { ...inner };
    for (const name of STEPS) {
      const real = inner[name] as (...args: unknown[]) => Promise<void>;
      (wrapped as unknown as Record<string, unknown>)[name] = async (...args: unknown[]) => {
        writes++;
        if (writes === nth && !after) throw new Error('killed');
        await real(...args);
        if (writes === nth) throw new Error('killed');
      };
    }
    return wrapped;
  }

  it.each(
    Array.from({ length: 10 }, (_, i) => i + 1).flatMap((nth) => [
      [nth, false] as const,
      [nth, true] as const,
    ]),
  )(
    'write %i (taken effect: %s): nothing is lost, and what is said twice has one number',
    async (nth, after) => {
      const inner = createMemoryState();
      // The rule is known: of what lies before its first evaluation only what still fires is told.
      await createWorld({ state: inner }).judge(-1);
      const story = async (world: World, minutes: readonly number[]) => {
        for (const minute of minutes) {
          await world.goTo(minute);
          await world.judge(minute);
          await world.notify();
        }
      };
      const fill = (world: World) => {
        for (const [minute, value] of [95, 95, 95, 95, 40, 40, 40, 40, 40, 40].entries())
          world.put(minute, { n1: value });
      };
      const first = createWorld({ state: dying(inner, nth, after) });
      fill(first);
      await story(first, [0, 1, 2, 3, 4, 9]).catch((error: Error) => expect(error.message).toBe('killed'));
      const second = createWorld({ state: inner });
      fill(second);
      await story(second, [12, 20]);
      const all = [...first.sent, ...second.sent].map(({ notification }) => notification);
      const told = new Set(all.flatMap((n) => n.alerts.map((a) => a.status)));
      const both = all.some((n) => n.reason === 'fired-and-resolved');
      expect(told.has('resolved')).toBe(true);
      expect(told.has('firing') || both).toBe(true);
      const texts = new Map<string, Set<string>>();
      for (const n of all) {
        const says = n.alerts.map((a) => `${a.alertId} ${a.status} ${a.firedAtMs}`).join();
        texts.set(n.key, (texts.get(n.key) ?? new Set()).add(says));
      }
      for (const says of texts.values()) expect(says.size).toBe(1);
      expect(await inner.listIncidents({ open: true, limit: 9 })).toEqual([]);
    },
  );
});

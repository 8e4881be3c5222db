// The deployed pipeline in one process: the handlers themselves between fakes of queue, table and bucket, in virtual time.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Heartbeat } from '../../adapters/heartbeat.ts';
import { createFleet } from '../../adapters/inventory/fleet.ts';
import { decodeMessage } from '../../adapters/queues/messages.ts';
import { createTableState } from '../../adapters/state/dynamodb/state.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/config/types.ts';
import { RetryableError } from '../../core/errors.ts';
import type { BatchObservation } from '../../core/model.ts';
import type { Notification } from '../../core/notify/model.ts';
import type { Shard } from '../../core/plan/shards.ts';
import type { Channel, Prober, SampleStore } from '../../core/ports.ts';
import { createDeliver } from '../../functions/deliver.ts';
import { readEnvironment } from '../../functions/environment.ts';
import { createEvaluate } from '../../functions/evaluate.ts';
import { createHistory } from '../../functions/history.ts';
import { createNotify } from '../../functions/notify.ts';
import { createPlan } from '../../functions/plan.ts';
import { createProbe } from '../../functions/probe.ts';
import { createStore } from '../../functions/store.ts';
import type { World } from '../../functions/world.ts';
import { createMeter } from '../../local/meter.ts';
import { createMemoryTable } from '../memory-table.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { createCloudQueues, deadLettersOf } from './queues.ts';

export const MINUTE = 60_000;
const URL = 'https://sqs.us-east-1.amazonaws.com/000000000000/';
const STAGES = ['probe', 'store', 'evaluate', 'notify', 'deliver'] as const;
type Stage = (typeof STAGES)[number];
const urlOf = (stage: Stage): string => `${URL}${stage}${stage === 'deliver' ? '.fifo' : ''}`;
/** Each function's time-out; what it takes in real time is measured against it. */
const TIMEOUT_MS = 60_000;
const shardOf = ({ Records: [first] }: SQSEvent) =>
  (decodeMessage(first?.body ?? '') as { shard: Shard }).shard;
/** Of one moment; more is a loop. */
const MOST_TURNS = 1_000;

export interface Cloud {
  nowMs(): number;
  /** Ticks the plan at that round and works until nothing is left to do before the next. */
  round(roundMs: number, options?: { tick?: boolean }): Promise<void>;
  /** What the address of the history function answers. */
  ask(path: string): Promise<{ statusCode?: number; body?: string }>;
  sent: { notification: Notification; atMs: number }[];
  queues: ReturnType<typeof createCloudQueues>;
  table: ReturnType<typeof createMemoryTable>;
  store: SampleStore;
  meter: ReturnType<typeof createMeter>;
  logger: ReturnType<typeof createRecordingLogger>;
  /** Bodies of a stage's dead letters. */
  dead(stage: Stage): string[];
  /** What each run of a stage's function took, in real time. */
  runs: Map<string, number[]>;
  /** What goes wrong from now on. */
  fault: {
    store?: boolean;
    channel?: boolean;
    /** Messages of these stages are handed out twice. */
    twice?: ReadonlySet<Stage>;
    /** Nobody reads the queue of this stage. */
    stopped?: Stage;
    /** Notify is not woken but by the tick. */
    noWake?: boolean;
    /** The function is killed after its work, before it answers. */
    killed?: ReadonlySet<Stage>;
  };
}

export function startCloud(options: {
  config: Config;
  dir: string;
  startMs: number;
  shards?: number;
  probe: (batch: Parameters<Prober['probe']>[0]) => BatchObservation;
  heartbeat?: Heartbeat;
}): Cloud {
  let now = options.startMs;
  const clock = { nowMs: () => now };
  const queues = createCloudQueues(clock.nowMs);
  for (const stage of STAGES) {
    queues.define(urlOf(stage), { visibilityS: 360, maxReceives: stage === 'probe' ? 2 : 200 });
  }
  const table = createMemoryTable();
  const state = createTableState(table, { clock, historyMs: 30 * 24 * 3_600_000 });
  const sqlite = openSqliteStore({ path: options.dir });
  const meter = createMeter();
  const logger = createRecordingLogger();
  const sent: Cloud['sent'] = [];
  const fault: Cloud['fault'] = {};
  const runs: Cloud['runs'] = new Map();
  const refuse = () => {
    throw new RetryableError('the store does not answer');
  };
  const store: SampleStore = {
    ...sqlite,
    write: async (samples) => (fault.store ? refuse() : sqlite.write(samples)),
    query: async (query) => (fault.store ? refuse() : sqlite.query(query)),
    latest: async (query) => (fault.store ? refuse() : sqlite.latest(query)),
  };
  const channel: Channel = {
    async send(notification) {
      if (fault.channel) throw new RetryableError('chat answered 503');
      sent.push({ notification, atMs: now });
      return { detail: 'accepted' };
    },
    verify: async () => ({ detail: 'fine' }),
  };
  const prober: Prober = { probe: async (batch) => options.probe(batch), close: async () => {} };
  const audit = {
    append: async () => {},
    head: () => ({ writer: 'w', sequence: 1, hash: '' }),
    close: async () => {},
  };
  const { config } = options;
  const fleet = createFleet({ config, sources: [], clock, logger, meter });
  const files = new Map<string, Uint8Array>();
  const world: World = {
    environment: readEnvironment({
      BARTIZAN_BUCKET: 'bucket',
      BARTIZAN_TABLE: 'table',
      BARTIZAN_SHARDS: String(options.shards ?? 1),
      BARTIZAN_PROBE_QUEUES: JSON.stringify(
        Object.fromEntries(config.bastions.map(({ name }) => [name, 'probe'])),
      ),
      BARTIZAN_STORE_QUEUE: urlOf('store'),
      BARTIZAN_EVALUATE_QUEUE: urlOf('evaluate'),
      BARTIZAN_NOTIFY_QUEUE: urlOf('notify'),
      BARTIZAN_DELIVER_QUEUE: urlOf('deliver'),
    }),
    clock,
    logger,
    meter,
    secrets: { resolve: async (text) => text, redact: (text) => text },
    queues: async () => queues,
    bucket: async () => ({
      get: async (key) => {
        const body = files.get(key);
        return body && { body, version: '1', metadata: {} };
      },
      put: async (key, body) => void files.set(key, body),
    }),
    charts: async () => ({ put: async () => undefined, get: async () => undefined }),
    state: async () => state,
    config: async () => config,
    activate: async () => {},
    fleet: async () => fleet,
    store: async () => store,
    channels: async () => new Map(config.channels.map(({ name }) => [name, channel])),
    heartbeat: async () => options.heartbeat,
    prober: async () => ({ prober, audit }),
  };
  const context = {
    getRemainingTimeInMillis: () => TIMEOUT_MS,
    functionName: 'f',
    awsRequestId: 'r',
  } as unknown as Context;
  const plan = createPlan(() => world);
  const handlers = {
    probe: createProbe(() => world),
    store: createStore(() => world),
    evaluate: createEvaluate(() => world),
    notify: createNotify(() => world),
    deliver: createDeliver(() => world),
  } as const;
  const SIZES: Record<Stage, number> = { probe: 1, store: 10, evaluate: 1, notify: 10, deliver: 1 };
  let outbox = 0;

  async function call(stage: Stage, event: SQSEvent): Promise<SQSBatchResponse | undefined> {
    const startMs = performance.now();
    const times = fault.twice?.has(stage) ? 2 : 1;
    let answer: SQSBatchResponse | undefined;
    for (let i = 0; i < times; i++) answer = (await handlers[stage](event, context)) ?? undefined;
    const name = stage === 'evaluate' ? `evaluate ${shardOf(event).kind}` : stage;
    runs.set(name, [...(runs.get(name) ?? []), (performance.now() - startMs) / times]);
    if (fault.killed?.has(stage)) throw new Error('Task timed out');
    return answer;
  }

  /** The table's stream: an outbox item that is new wakes notify. */
  async function stream(): Promise<void> {
    const items = [...table.items.values()].filter((item) => String(item.pk).startsWith('outbox#')).length;
    const woken = items > outbox && !fault.noWake;
    outbox = items;
    if (woken) await handlers.notify({ Records: [] } as never, context);
  }

  async function work(): Promise<void> {
    for (let busy = true, turns = 0; busy; turns++) {
      if (turns > MOST_TURNS) throw new Error('the pipeline keeps itself busy');
      busy = false;
      for (const stage of STAGES) {
        if (stage === fault.stopped) continue;
        while (await queues.poll(urlOf(stage), SIZES[stage], (event) => call(stage, event))) busy = true;
        await stream();
      }
    }
  }

  const history = createHistory(() => world);
  return {
    nowMs: clock.nowMs,
    ask: (rawPath) =>
      history({ rawPath } as never, context) as Promise<{ statusCode?: number; body?: string }>,
    async round(roundMs, { tick = true } = {}) {
      now = Math.max(now, roundMs);
      if (tick) await plan({ scheduledTime: new Date(roundMs).toISOString() }, context);
      await work();
      for (;;) {
        const next = queues.nextMs();
        if (next === undefined || next >= roundMs + MINUTE) break;
        now = Math.max(now, next);
        await work();
      }
    },
    sent,
    queues,
    table,
    store,
    meter,
    logger,
    dead: (stage) => queues.bodies(deadLettersOf(urlOf(stage))),
    runs,
    fault,
  };
}

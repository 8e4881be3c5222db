// The deployed pipeline in one process: the real handlers with fakes of queue, table and bucket, in virtual time.

import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { expect } from 'vitest';
import type { Heartbeat } from '../../adapters/heartbeat/heartbeat.ts';
import { decodeMessage } from '../../adapters/queues/messages.ts';
import { createTableState } from '../../adapters/state/dynamodb/state.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { RetryableError } from '../../core/errors.ts';
import type { Config } from '../../core/model/config.ts';
import type { Notification } from '../../core/model/notification.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { tickIntervalMs } from '../../core/plan/plan.ts';
import type { Shard } from '../../core/plan/shards.ts';
import type { Channel, Clock, Meter, PictureForm, Prober, SampleStore } from '../../core/ports.ts';
import { createDeliver } from '../../functions/deliver.ts';
import { createEvaluate } from '../../functions/evaluate.ts';
import { createHistory } from '../../functions/history.ts';
import { createNotify } from '../../functions/notify.ts';
import { createPlan } from '../../functions/plan.ts';
import { createProbe } from '../../functions/probe.ts';
import type { Services } from '../../functions/services.ts';
import { createStore } from '../../functions/store.ts';
import { createMeter } from '../../local/meter.ts';
import { createMemoryBucket, type MemoryBucket } from '../memory-bucket.ts';
import { createMemoryTable } from '../memory-table.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { createConfigured } from './configured.ts';
import { createConnections } from './connections.ts';
import { type Datum, delayed, type Fault, faultyChannel, faultyStore, STAGES, type Stage } from './faults.ts';
import { createCloudQueues, deadLettersOf } from './queues.ts';
import { type Asked, requestEvent } from './request-event.ts';
import { environmentOf, queueOptions, SIZES, TIMEOUT_MS, urlOf } from './stages.ts';
import { cpuMsSince, createStarts, EVALUATED_MS, type Starts } from './starts.ts';
import { createWait } from './wait.ts';

export const MINUTE = 60_000;
/** The most turns at one moment; more means an endless loop. */
const MOST_TURNS = 1_000;

export interface Cloud extends Starts {
  nowMs(): number;
  /** Lets the scheduler start that round, somewhere in its minute, and works until that minute is over. */
  round(roundMs: number, options?: { tick?: boolean }): Promise<void>;
  /** Starts a round now, in addition to the schedule. `scheduledMs` is the time that the scheduler names. */
  start(scheduledMs: number): Promise<unknown>;
  wait(untilMs: number): Promise<void>;
  /** Works until the last round is evaluated, which may be after its minute. */
  settle(): Promise<void>;
  /** Calls the history function. */
  ask(path: string, asked?: Asked): Promise<{ statusCode?: number; body?: string }>;
  sent: { notification: Notification; atMs: number }[];
  queues: ReturnType<typeof createCloudQueues>;
  table: ReturnType<typeof createMemoryTable>;
  store: SampleStore;
  bucket: MemoryBucket;
  meter: ReturnType<typeof createMeter>;
  logger: ReturnType<typeof createRecordingLogger>;
  /** The bodies of the dead letters of a stage. */
  dead(stage: Stage): string[];
  /** The CPU time of each call of a stage's function, in milliseconds: other work on the machine does not count. */
  runs: Map<string, number[]>;
  /** The faults that are active from now on. */
  fault: Fault;
}

export function startCloud(options: {
  /** A text is uploaded, and `plan` activates it; a parsed configuration is already active. */
  config: Config | string;
  /** The bastions with a queue; needed when the configuration is a text. */
  bastions?: readonly string[];
  bucket?: MemoryBucket;
  /** A restore creates a table with another name. Default: the table of the stacks. */
  tableName?: string;
  dir: string;
  startMs: number;
  shards?: number;
  probe: (batch: Parameters<Prober['probe']>[0]) => BatchObservation;
  /** How long a batch takes; at most `maxConnections` batches of a bastion run at the same time. Default: no time. */
  probeMs?: () => number;
  heartbeat?: Heartbeat;
  /** How the channel shows pictures; a picture takes a fifth of a second. */
  shows?: PictureForm;
  /** Replaces the chat service that accepts everything; then functions wait in virtual time, without pictures. */
  chat?: (clock: Clock) => Channel;
  /** Called with each value that CloudWatch would get. */
  onMetric?: (datum: Datum) => void;
  /** Default: the embedded store. */
  store?: (clock: Clock) => SampleStore;
  /** The order in which standard queues hand out messages. Default: first in, first out. */
  random?: () => number;
}): Cloud {
  let now = options.startMs;
  const clock = { nowMs: () => now };
  const pass = (ms: number) => {
    now += ms;
  };
  const tickMs = typeof options.config === 'string' ? MINUTE : tickIntervalMs(options.config.checks);
  const queues = createCloudQueues(clock.nowMs, options.random);
  for (const stage of STAGES) queues.define(urlOf(stage), queueOptions(stage, tickMs));
  const table = createMemoryTable();
  const state = createTableState(table, { clock, historyMs: 30 * 24 * 3_600_000 });
  const inner = options.store?.(clock) ?? openSqliteStore({ path: options.dir });
  const meter = createMeter();
  const logger = createRecordingLogger();
  const sent: Cloud['sent'] = [];
  const fault: Cloud['fault'] = {};
  const runs: Cloud['runs'] = new Map();
  const store = faultyStore(inner, fault);
  const channel =
    options.chat?.(clock) ??
    faultyChannel(fault, options.shows, (notification) => sent.push({ notification, atMs: now }));
  const prober: Prober = {
    async probe(batch) {
      if (options.probeMs) await connections.hold(now + options.probeMs());
      return options.probe(batch);
    },
    close: async () => {},
  };
  const head = () => ({ writer: 'w', sequence: 1, hash: '' });
  const audit = { append: async () => {}, head, close: async () => {} };
  const { config, bucket = createMemoryBucket() } = options;
  const bastions =
    options.bastions ?? (typeof config === 'string' ? [] : config.bastions).map(({ name }) => name);
  const configured = createConfigured({
    config,
    slices: options.shards ?? 1,
    ports: { bucket, clock, logger, meter },
  });
  const connections = createConnections(
    typeof config === 'string' ? 0 : config.bastions.reduce((sum, one) => sum + one.maxConnections, 0),
  );
  const services = {
    environment: environmentOf(bastions, options.shards ?? 1, options.tableName),
    clock,
    sleep: createWait(options.chat && pass),
    logger,
    meter,
    secrets: { resolve: async (text) => text, redact: (text) => text },
    queues: async () => ({
      ...queues,
      extendVisibility: (...args) => queues.extendVisibility(...args),
      send: async (url, messages) => {
        if (fault.queues) throw new RetryableError('SQS answers 503');
        await queues.send(
          url,
          messages.map((message) => delayed(message, url, fault)),
        );
      },
    }),
    bucket: async () => bucket,
    charts: async () => ({ put: async () => undefined, get: async () => undefined }),
    state: async () => state,
    store: async () => store,
    heartbeat: async () => options.heartbeat,
    prober: async () => ({ prober, audit }),
    actionAudit: async () => audit,
  } satisfies Partial<Services>;
  const context = {
    getRemainingTimeInMillis: () => TIMEOUT_MS,
    functionName: 'f',
    awsRequestId: 'r',
  } as Context;
  /** The same services, with a meter whose values belong to that function. */
  function servicesOf(service: Datum['service']): () => Services {
    const note = (name: string, value: number) => options.onMetric?.({ atMs: now, service, name, value });
    const ownMeter: Meter = {
      count(name, ...rest) {
        meter.count(name, ...rest);
        const [, by = 1] = rest;
        if (by > 0) note(name, by); // As lambda.ts does.
      },
      gauge(name, value, ...rest) {
        meter.gauge(name, value, ...rest);
        note(name, value);
      },
      observe: () => {},
    };
    const own = configured(fault);
    const settings = async () => {
      if ((service === 'notify' || service === 'deliver') && fault[service])
        throw new RetryableError('the bucket does not answer');
      return own.config();
    };
    return () => {
      const { BARTIZAN_PROBE_QUEUES = {}, ...environment } = services.environment;
      const queues = Object.entries(BARTIZAN_PROBE_QUEUES).filter(([name]) => !fault.noQueue?.has(name));
      return {
        ...services,
        environment: { ...environment, BARTIZAN_PROBE_QUEUES: Object.fromEntries(queues) },
        ...own,
        meter: ownMeter,
        config: settings,
        channels: async () => new Map((await settings()).channels.map(({ name }) => [name, channel])),
        fleet: async (of) => {
          const fleet = await own.fleet(of);
          return fault.inventory
            ? { ...fleet, list: () => Promise.reject(new RetryableError('the inventory does not answer')) }
            : fleet;
        },
        ...(service === 'deliver' && { clock: { nowMs: () => now - (fault.behindMs ?? 0) } }),
      };
    };
  }
  const plan = createPlan(servicesOf('plan'));
  const handlers = {
    probe: createProbe(servicesOf('probe')),
    store: createStore(servicesOf('store')),
    evaluate: createEvaluate(servicesOf('evaluate')),
    notify: createNotify(servicesOf('notify')),
    deliver: createDeliver(servicesOf('deliver')),
  } as const;
  let outbox = 0;

  async function call(stage: Stage, event: SQSEvent): Promise<SQSBatchResponse | undefined> {
    const startCpu = process.cpuUsage();
    const times = fault.twice?.has(stage) ? 2 : 1;
    let answer: SQSBatchResponse | undefined;
    for (let i = 0; i < times; i++) answer = (await handlers[stage](event, context)) ?? undefined;
    const name =
      stage === 'evaluate'
        ? `evaluate ${(decodeMessage(event.Records[0]?.body ?? '') as { shard: Shard }).shard.kind}`
        : stage;
    runs.set(name, [...(runs.get(name) ?? []), cpuMsSince(startCpu) / times]);
    if (fault.killed?.has(stage)) throw new Error('Task timed out');
    return answer;
  }

  /** The stream of the table: a new outbox item wakes notify. */
  async function stream(): Promise<void> {
    const items = [...table.items.values()].filter((item) => String(item.pk).startsWith('outbox#')).length;
    const woken = items > outbox && !fault.noWake;
    outbox = items;
    if (!woken) return;
    // The stream calls notify once more when a call fails, then leaves the item to the next tick.
    await queues.lineages.invoke('notify', [], async () => {
      await handlers.notify({ Records: [] } as never, context).catch(() => undefined);
    });
  }

  async function work(): Promise<void> {
    for (let busy = true, turns = 0; busy; turns++) {
      if (turns > MOST_TURNS) throw new Error('the pipeline never comes to rest');
      busy = false;
      for (const stage of STAGES) {
        if (stage === fault.stopped) continue;
        if (stage === 'probe' && options.probeMs) {
          const poll = () => queues.poll(urlOf('probe'), 1, (event) => call('probe', event));
          while (await connections.use(poll)) busy = true;
          continue;
        }
        while (await queues.poll(urlOf(stage), SIZES[stage], (event) => call(stage, event))) busy = true;
        await stream();
      }
    }
  }

  async function workUntil(endMs: number): Promise<void> {
    await work();
    for (;;) {
      const next = Math.min(queues.nextMs() ?? endMs, connections.nextMs());
      if (next >= endMs) break;
      now = Math.max(now, next);
      await connections.release(now);
      await work();
    }
    now = Math.max(now, endMs);
  }
  const start = (scheduledMs: number) =>
    queues.lineages.invoke('plan', [], async () => {
      await plan({ scheduledTime: new Date(scheduledMs).toISOString() }, context);
    });
  const starts = createStarts(options.startMs);
  const history = createHistory(servicesOf('history'));
  return {
    nowMs: clock.nowMs,
    ask: (path, asked) =>
      history(requestEvent(path, asked) as never, context) as Promise<{ statusCode?: number; body?: string }>,
    start,
    wait: workUntil,
    async round(roundMs, { tick = true } = {}) {
      await workUntil(starts.startOf(roundMs));
      starts.note(roundMs, now);
      if (tick && fault.inventory) await expect(start(roundMs)).rejects.toThrow();
      else if (tick) await start(roundMs);
      await workUntil(roundMs + MINUTE);
    },
    startOf: starts.startOf,
    roundAt: starts.roundAt,
    settle: () => workUntil(starts.lastMs() + EVALUATED_MS.fleet + 1),
    ...{ sent, queues, table, store, bucket, meter, logger },
    dead: (stage) => queues.bodies(deadLettersOf(urlOf(stage))),
    runs,
    fault,
  };
}

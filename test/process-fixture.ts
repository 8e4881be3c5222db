// One whole process without its probes: schedule, rounds, databases on disk and notifier, in virtual time.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLabelLimit } from '../adapters/probes/label-limit.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import type { Config } from '../core/model/config.ts';
import type { Notification } from '../core/model/notification.ts';
import type { Observation } from '../core/model/observation.ts';
import type { Rule } from '../core/model/rule.ts';
import type { Target } from '../core/model/target.ts';
import type { Channel, Prober } from '../core/ports.ts';
import type { DeliverPorts } from '../core/stages/deliver.ts';
import { createMeter } from '../local/meter.ts';
import { startNotifier } from '../local/notifier.ts';
import { createRoundRunner } from '../local/round.ts';
import { runSchedule } from '../local/scheduler.ts';
import { createRecordingLogger } from './recording-logger.ts';
import { createVirtualTime } from './virtual-time.ts';

export const MINUTE = 60_000;
/** A multiple of an hour. */
export const START = 480_000 * 3_600_000;

export interface ProcessFixture {
  time: ReturnType<typeof createVirtualTime>;
  /** The observation of a node in a round; undefined: the node cannot be reached. */
  values: (node: string, roundMs: number) => number | undefined;
  sent: { notification: Notification; atMs: number }[];
  meter: ReturnType<typeof createMeter>;
  logger: ReturnType<typeof createRecordingLogger>;
  store: ReturnType<typeof openSqliteStore>;
  state: ReturnType<typeof openSqliteState>;
  config: Config;
  rounds: () => number;
  stop(): Promise<void>;
}

/** Starts the process: a round each minute, one rule on `mem_usage`, one on `up`. */
export function startProcess(options: {
  nodes: number;
  values: ProcessFixture['values'];
  /** The disks of the node in a round, all of them full. */
  mounts?: (node: string, roundMs: number) => readonly string[];
  maxNewLabelSets?: number;
  rules: readonly Rule[];
  draw?: DeliverPorts['draw'];
}): ProcessFixture {
  const most = options.maxNewLabelSets;
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-course-'));
  const time = createVirtualTime(START - 1);
  const { clock, sleep } = time;
  const store = openSqliteStore({ path: dir });
  const state = openSqliteState({ path: dir });
  const meter = createMeter();
  const logger = createRecordingLogger();
  const sent: ProcessFixture['sent'] = [];
  let rounds = 0;
  const targets: Target[] = Array.from({ length: options.nodes }, (_, i) => ({
    cluster: 'c',
    node: `n${i + 1}`,
    role: 'etcd',
    host: 'h',
    port: 22,
    user: 'u',
    bastion: 'b',
    hostKeys: [],
  }));
  const config = {
    bastions: [{ name: 'b', batchSize: 100 }],
    rules: options.rules,
    checks: [{ name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} }],
    channels: [{ name: 'ops', type: 'webhook', theme: 'dark', options: {} }],
    routes: [
      {
        name: 'default',
        match: {},
        channels: ['ops'],
        continue: false,
        groupBy: ['rule', 'cluster', 'node'],
        groupWaitMs: 0,
        groupIntervalMs: MINUTE,
        repeatIntervalMs: 4 * 60 * MINUTE,
        resolvedEarly: true,
      },
    ],
    silences: [],
    schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE },
  } as unknown as Config;
  const course: ProcessFixture = {
    time,
    values: options.values,
    sent,
    meter,
    logger,
    store,
    state,
    config,
    rounds: () => rounds,
    stop,
  };

  const prober: Prober = {
    async probe(batch) {
      const limit = await openLabelLimit(batch, { counters: state.counters, logger, meter });
      const observations = batch.targets.map((target) => {
        const value = course.values(target.node, batch.roundMs);
        const at = {
          check: 'usage',
          target,
          roundMs: batch.roundMs,
          observedAtMs: clock.nowMs(),
          durationMs: 40,
        };
        const failure = { reason: 'unreachable', phase: 'dial', detail: 'no route' } as const;
        const { cluster, node, role } = target;
        const labels = { cluster, node, role };
        const result: Observation['result'] =
          value === undefined
            ? { ok: false, failure }
            : {
                ok: true,
                notes: [],
                samples: [
                  { metric: 'mem_usage', labels, timeMs: batch.roundMs, value },
                  ...(options.mounts?.(target.node, batch.roundMs) ?? []).map((mount) => ({
                    metric: 'disk_usage',
                    labels: { ...labels, mount, device: 'd' },
                    timeMs: batch.roundMs,
                    value: 99,
                  })),
                ],
              };
        return limit.admit({ name: 'usage', ...(most && { maxNewLabelSets: most }) }, { ...at, result });
      });
      await limit.save();
      return { batch, bastion: { ok: true }, observations };
    },
    close: async () => {},
  };
  const channel: Channel = {
    async send(notification) {
      sent.push({ notification, atMs: clock.nowMs() });
      return { detail: 'accepted' };
    },
  };
  const ports = {
    store,
    state,
    prober,
    inventory: { list: async () => targets },
    audit: {
      append: async () => {},
      head: () => ({ writer: 'test', sequence: rounds, hash: '' }),
      close: async () => {},
    },
    clock,
    sleep,
    logger,
    meter,
    secrets: { redact: (text: string) => text },
  };
  const notifier = startNotifier(config, {
    ...ports,
    channels: new Map([['ops', channel]]),
    draw: options.draw ?? (async () => undefined),
  });
  const stopping = new AbortController();
  const run = createRoundRunner(config, { ...ports, onEvaluated: notifier.wake });
  const schedule = runSchedule({
    tickMs: MINUTE,
    offsetMs: 0,
    signal: stopping.signal,
    clock,
    sleep,
    logger,
    meter,
    async runRound(roundMs) {
      await run(roundMs, stopping.signal);
      rounds++;
    },
  });

  async function stop(): Promise<void> {
    stopping.abort();
    await schedule;
    const stopped = notifier.stop(1_000);
    await time.advanceTo(clock.nowMs() + MINUTE);
    await stopped;
    await store.close();
    await state.close();
    rmSync(dir, { recursive: true, force: true });
  }
  return course;
}

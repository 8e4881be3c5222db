import { join } from 'node:path';
import { createAuditFile } from '../adapters/audit/file.ts';
import type { AwsClient } from '../adapters/aws/client.ts';
import { createChannels } from '../adapters/channels/registry.ts';
import { createChartRenderer } from '../adapters/charts/renderer.ts';
import { createHeartbeat } from '../adapters/heartbeat.ts';
import { createFleet } from '../adapters/inventory/fleet.ts';
import { openSources } from '../adapters/inventory/registry.ts';
import { createProber } from '../adapters/probes/prober.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openStore } from '../adapters/stores/registry.ts';
import type { Config } from '../core/config/types.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { Clock, Inventory, Logger, Secrets } from '../core/ports.ts';
import { createDraw } from '../core/stages/draw.ts';
import { createChartFiles } from './chart-files.ts';
import { type Sleep, systemClock, systemSleep } from './clock.ts';
import { type Health, judgeHealth, type RoundRecord } from './health.ts';
import { runHousekeeping } from './housekeeping.ts';
import { lockFolder } from './lock.ts';
import { createMeter } from './meter.ts';
import { startNotifier } from './notifier.ts';
import { createRoundRunner, type RoundResult } from './round.ts';
import { runSchedule } from './scheduler.ts';
import { addressOf, startServer } from './server.ts';

export interface Bartizan {
  /** Where `/healthz` and pictures are served. */
  url: string;
  health(): Health;
  /** Ends within ten seconds: no new round, the running one is cut off, what is being sent is recorded. */
  stop(): Promise<void>;
}

/** The running round may go on this long at a stop; then it is as if it had not been tried. */
const ROUND_GRACE_MS = 3_000;
/** What is being sent may go on this long at a stop; then the next start says it again. */
const SEND_GRACE_MS = 4_000;

/**
 * All stages in this process: rounds on schedule, deliveries beside them, the server.
 * @throws ConfigError when the data folder or the address is taken, a secret is missing, a key is unusable
 */
export async function startBartizan(options: {
  config: Config;
  secrets: Secrets;
  logger: Logger;
  actor?: string;
  onRound?: (result: RoundResult) => void;
  clock?: Clock;
  sleep?: Sleep;
  /** 0 ≤ jitter share < 1; which part of `schedule.jitter` every round of this process is late. */
  jitterShare?: number;
  /** How sources of the inventory ask AWS; default: as the process is set up. */
  aws?: AwsClient;
}): Promise<Bartizan> {
  const {
    config,
    secrets,
    logger,
    clock = systemClock,
    sleep = systemSleep,
    jitterShare = Math.random(),
  } = options;
  const dir = config.store.path;
  const meter = createMeter();
  const opened: (() => unknown)[] = [];
  const startedAtMs = clock.nowMs();
  try {
    const lock = lockFolder(dir);
    opened.push(() => lock.release());
    const store = await openStore(config.store, { secrets, clock });
    opened.push(() => store.close());
    const state = openSqliteState({ path: dir });
    opened.push(() => state.close());
    const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'local' });
    opened.push(() => audit.close());
    const channels = await createChannels(config.channels, { secrets, clock, logger });
    const knownHosts = join(dir, 'known_hosts');
    const actor = options.actor ?? 'bartizan';
    const ports = { store, state, audit, clock, logger, meter, secrets, actor };
    const fleet = createFleet({
      config,
      sources: openSources(config.inventory, options.aws),
      kept: state.counters,
      async examine(cluster) {
        await createKeyring({ ...config, clusters: [cluster] }, secrets).ofCluster(cluster.name);
      },
      ...ports,
    });
    const prober = await createProber({
      config: fleet.config,
      knownHosts,
      counters: state.counters,
      ...ports,
    });
    opened.push(() => prober.close());
    await listAtStart(fleet, logger);
    const { chartRetentionMs, host, port, publicUrl = addressOf(config.server) } = config.server;
    const charts = await createChartFiles({
      dir: join(dir, 'charts'),
      publicUrl,
      retentionMs: chartRetentionMs,
      nowMs: clock.nowMs,
    });

    const tickMs = tickIntervalMs(config.checks);
    let last: RoundRecord | undefined;
    const health = (): Health =>
      judgeHealth({
        nowMs: clock.nowMs(),
        startedAtMs,
        tickMs,
        last,
        completed: meter.total('rounds_total'),
        skipped: meter.total('rounds_skipped_total'),
        failedDeliveries: meter.total('deliveries_failed_total'),
      });
    const server = await startServer({ host, port, charts, health, metrics: meter.text });
    opened.push(() => server.close());

    const draw = createDraw({ store, renderer: createChartRenderer(), charts, config });
    const notifier = startNotifier(config, { ...ports, channels, draw, sleep });

    const stopping = new AbortController();
    const cut = new AbortController();
    const runRound = createRoundRunner(config, {
      ...ports,
      prober,
      inventory: fleet,
      sleep,
      onJudged: notifier.wake,
    });
    const { heartbeat: url } = config.server;
    const heartbeat =
      url === undefined ? undefined : createHeartbeat({ ...ports, url, signal: stopping.signal });
    const schedule = runSchedule({
      tickMs,
      offsetMs: Math.floor(config.schedule.jitterMs * jitterShare),
      signal: stopping.signal,
      clock,
      sleep,
      logger,
      meter,
      async runRound(roundMs) {
        const beganAtMs = clock.nowMs();
        let error: string | undefined;
        try {
          const result = await runRound(roundMs, cut.signal);
          void heartbeat?.beat();
          options.onRound?.(result);
        } catch (cause) {
          error = secrets.redact(describeError(cause));
          meter.count('rounds_failed_total');
          logger.error('round failed', { round: new Date(roundMs).toISOString(), error });
        }
        const completedAtMs = clock.nowMs();
        last = { roundMs, completedAtMs, durationMs: completedAtMs - beganAtMs, ...(error ? { error } : {}) };
      },
    });
    const housekeeping = runHousekeeping({
      config,
      store,
      state,
      charts,
      clock,
      sleep,
      logger,
      signal: stopping.signal,
    });

    let stopped: Promise<void> | undefined;
    const stop = async () => {
      stopping.abort();
      const timer = setTimeout(() => cut.abort(), ROUND_GRACE_MS);
      await Promise.all([schedule, housekeeping]);
      clearTimeout(timer);
      await notifier.stop(SEND_GRACE_MS);
      await closeAll(opened);
    };
    return {
      url: server.url,
      health,
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** What only the operator can mend is told at once; what may be over soon fails the first rounds at most. */
async function listAtStart(inventory: Inventory, logger: Logger): Promise<void> {
  try {
    await inventory.list();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    logger.error('the inventory cannot be read; no round runs until it can', { error: describeError(error) });
  }
}

async function closeAll(opened: (() => unknown)[]): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

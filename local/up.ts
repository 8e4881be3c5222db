import { join } from 'node:path';
import type { AwsClient } from '../adapters/aws/client.ts';
import { createChannels } from '../adapters/channels/registry.ts';
import { createPictureQueue } from '../adapters/charts/picture-queue.ts';
import { startWorkerThread } from '../adapters/charts/worker-thread.ts';
import { storeInTurns } from '../adapters/event-loop/turns.ts';
import { createHeartbeat } from '../adapters/heartbeat/heartbeat.ts';
import { createFleet } from '../adapters/inventory/fleet.ts';
import { openSources } from '../adapters/inventory/registry.ts';
import type { Leadership } from '../adapters/postgres/leadership.ts';
import { createProber } from '../adapters/probes/prober.ts';
import { signatureFile } from '../adapters/signatures/signature-source.ts';
import type { DatabaseName } from '../adapters/sqlite/integrity.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { openStore, repeatsValues } from '../adapters/stores/registry.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { Clock, Inventory, Logger, Secrets } from '../core/ports.ts';
import { createDraw } from '../core/stages/draw.ts';
import { epochOfStart } from '../core/stages/epoch.ts';
import { readUndelivered } from '../core/stages/undelivered.ts';
import { anchorHead, maintainLocalAudit, openLocalAudit, runAuditExport, runAuditNotices } from './audit.ts';
import { boundRepeats } from './bounded-logger.ts';
import { createChartFiles } from './chart-files.ts';
import { type Sleep, systemClock, systemSleep } from './clock.ts';
import { closeAll } from './close-all.ts';
import { continueRestore } from './data-restore.ts';
import { createFaults } from './faults.ts';
import { createHealth, type Health } from './health.ts';
import { runHousekeeping } from './housekeeping.ts';
import { channelsOfLeader, healthOfLeader, openUpState, storeOfLeader } from './leading.ts';
import { lockData } from './lock.ts';
import { createMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { noticeOf, runNotices } from './notices.ts';
import { startNotifier } from './notifier.ts';
import { beatIfHealthy, createPassFaults, createPulse } from './pulse.ts';
import { checkData, forgetSetAside } from './recovery.ts';
import { createRoundRunner, type RoundResult } from './round.ts';
import { createRoundFaults } from './round-faults.ts';
import { runSchedule } from './scheduler.ts';
import { addressOf, startServer } from './server.ts';
import { watchAudit, watchState, watchStore } from './watched-ports.ts';

export interface Bartizan {
  /** The address of `/healthz` and pictures. */
  url: string;
  health(): Promise<Health>;
  /** Why the process should be restarted (`/livez`); undefined while it works. */
  stuck(): string | undefined;
  /** Resolves when a database turns out to be damaged: then only a start with `recover` helps. */
  damaged: Promise<DatabaseName>;
  /** Ends within ten seconds: starts no new round, cuts off the current one, and records the current sends. */
  stop(): Promise<void>;
}

/** At a stop the current round may continue this long; after that it leaves nothing. */
const ROUND_GRACE_MS = 3_000;
/** At a stop sends may continue this long; the next start repeats those that did not end. */
const SEND_GRACE_MS = 4_000;

/**
 * All stages in this process: rounds on schedule, deliveries beside them, the server. @throws ConfigError when the data
 * folder or the address is in use, a secret is missing, a key is unusable
 */
export async function startBartizan(options: {
  config: Config;
  secrets: Secrets;
  logger: Logger;
  actor?: string;
  /** Puts a damaged database aside and sends a notice to every channel, instead of refusing to start. */
  recover?: boolean;
  /**
   * With `recover`: the database whose damage the last process met. It is put aside even if the check finds nothing.
   */
  met?: DatabaseName | undefined;
  /** Where several processes share one state: this one leads. The caller has the lock of the data folder. */
  leadership?: Leadership;
  onRound?: (result: RoundResult) => void;
  clock?: Clock;
  sleep?: Sleep;
  /** 0 ≤ share < 1: every round of this process is late by this share of `schedule.jitter`. */
  jitterShare?: number;
  /** How sources of the inventory ask AWS; default: as the process is configured. */
  aws?: AwsClient;
}): Promise<Bartizan> {
  const {
    config,
    secrets,
    clock = systemClock,
    sleep = systemSleep,
    jitterShare = Math.random(),
    recover = false,
    met,
  } = options;
  const dir = config.store.path;
  const meter = createMeter();
  const logger = boundRepeats(options.logger, { clock, meter });
  const faults = createFaults();
  const damaged = Promise.withResolvers<DatabaseName>();
  const watching = { faults, meter, logger, onCorruption: damaged.resolve };
  const opened: (() => unknown)[] = [];
  const startedAtMs = clock.nowMs();
  try {
    const { leadership } = options;
    if (leadership === undefined) {
      const lock = lockData(dir);
      opened.push(() => lock.release());
    }
    continueRestore(dir, logger);
    const aside = checkData(dir, { recover, met, clock, logger, meter });
    const samples = storeOfLeader(await openStore(config.store, { secrets, clock }), leadership);
    const store = watchStore(storeInTurns(samples), watching);
    opened.push(() => store.close());
    const state = watchState(await openUpState(config, { secrets, leadership }), watching);
    opened.push(() => state.close());
    const auditPorts = { dir, config, state, clock, ...watching };
    const auditFile = await openLocalAudit(auditPorts);
    const audit = watchAudit(auditFile, watching);
    opened.push(async () => {
      await audit.close();
      await anchorHead(audit, { state, clock });
    });
    const created = await createChannels(config.channels, { secrets, clock, logger });
    const channels = channelsOfLeader(created, leadership);
    const knownHosts = join(dir, 'known_hosts');
    const actor = options.actor ?? 'bartizan';
    const ports = { store, state, audit, clock, logger, meter, secrets, actor };
    const fleet = createFleet({
      config,
      sources: openSources(config.inventory, options.aws),
      kept: state.counters,
      async checkCluster(cluster) {
        await createKeyring({ ...config, clusters: [cluster] }, secrets).ofCluster(cluster.name);
      },
      ...ports,
    });
    const prober = await createProber({
      config: fleet.config,
      knownHosts,
      counters: state.counters,
      repeatsValues: repeatsValues(config.store),
      signatures: config.signatures && signatureFile(config.signatures.file),
      ...ports,
    });
    opened.push(() => prober.close());
    await listAtStart(fleet, logger);
    const { chartRetentionMs, host, port, hosts, publicUrl = addressOf(config.server) } = config.server;
    const charts = await createChartFiles({
      dir: join(dir, 'charts'),
      publicUrl,
      retentionMs: chartRetentionMs,
      nowMs: clock.nowMs,
    });

    const tickMs = tickIntervalMs(config.checks);
    const health = createHealth(
      {
        config,
        read: () => readUndelivered(config, { state, clock }),
        faults,
        clock,
        meter,
        redact: secrets.redact,
      },
      { startedAtMs, tickMs },
    );
    const checkHealth = healthOfLeader(health.check, leadership, meter);
    const scheduler = createPulse();
    const server = await startServer({
      ...(await openMetrics(() => config.server.metrics, { secrets, logger })),
      host,
      port,
      hosts: [...hosts, new URL(publicUrl).hostname],
      charts,
      health: checkHealth,
      stuck: scheduler.stuck,
      async metrics() {
        await checkHealth();
        return meter.text();
      },
      meter,
    });
    opened.push(() => server.close());

    const source = config.store.type === 'sqlite' ? { path: dir } : { store };
    const startsAhead = [...channels.values()].some(({ shows }) => shows !== 'none');
    const drawer = createPictureQueue({ startThread: () => startWorkerThread(source), startsAhead });
    opened.push(() => drawer.close());
    const draw = createDraw({ drawer, charts, config });
    const epoch = await epochOfStart(ports, tickMs);
    const sending = { store, channels, draw, sleep, epoch: async () => epoch };
    const notifier = startNotifier(config, { ...ports, ...sending, onPass: createPassFaults(faults) });

    const stopping = new AbortController();
    const cut = new AbortController();
    const runRound = createRoundRunner(config, {
      ...ports,
      prober,
      inventory: fleet,
      sleep,
      onEvaluated: notifier.wake,
      onFacts: createRoundFaults(faults),
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
      onTurn: scheduler.beat,
      async runRound(roundMs) {
        const beganAtMs = clock.nowMs();
        let error: string | undefined;
        try {
          const result = await runRound(roundMs, cut.signal);
          options.onRound?.(result);
        } catch (cause) {
          error = secrets.redact(describeError(cause));
          meter.count('rounds_failed_total');
          logger.error('round failed', { round: new Date(roundMs).toISOString(), error });
        }
        const completedAtMs = clock.nowMs();
        const durationMs = completedAtMs - beganAtMs;
        health.roundEnded({ roundMs, completedAtMs, durationMs, ...(error ? { error } : {}) });
        const found = await health.check();
        if (heartbeat && !cut.signal.aborted) beatIfHealthy(heartbeat, found, { meter, logger });
      },
    });
    const housekeeping = runHousekeeping({
      config,
      store,
      state,
      charts,
      maintainAudit: (nowMs) => maintainLocalAudit(auditFile, auditPorts, nowMs),
      clock,
      sleep,
      logger,
      meter,
      faults,
      signal: stopping.signal,
    });
    const noticing = {
      ...ports,
      counters: state.counters,
      channels,
      faults,
      sleep,
      redact: secrets.redact,
      timeZone: config.schedule.timeZone,
      signal: stopping.signal,
    };
    const auditNotices = runAuditNotices(noticing);
    const auditExport = runAuditExport(auditFile, { ...noticing, ...auditPorts });
    const notices = runNotices(aside.length > 0 ? noticeOf(aside, clock.nowMs()) : undefined, {
      ...noticing,
      onKept: () => forgetSetAside(dir),
    }).catch((error: unknown) => logger.error('notices cannot be read', { error: describeError(error) }));

    let stopped: Promise<void> | undefined;
    const stop = async () => {
      stopping.abort();
      const timer = setTimeout(() => cut.abort(), leadership?.isLost() ? 0 : ROUND_GRACE_MS);
      await Promise.all([schedule, housekeeping, notices, auditNotices, auditExport]);
      clearTimeout(timer);
      await notifier.stop(leadership?.isLost() ? 0 : SEND_GRACE_MS);
      await closeAll(opened);
    };
    return {
      url: server.url,
      health: checkHealth,
      stuck: scheduler.stuck,
      damaged: damaged.promise,
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    // The caller must see why it could not start, not what failed while closing.
    await closeAll(opened).catch(() => {});
    throw error;
  }
}

/** Throws for errors that only the operator can correct; others only fail the first rounds. */
async function listAtStart(inventory: Inventory, logger: Logger): Promise<void> {
  try {
    await inventory.list();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    logger.error('the inventory cannot be read; no round runs until it can', { error: describeError(error) });
  }
}

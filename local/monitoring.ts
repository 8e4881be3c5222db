import { join } from 'node:path';
import type { AuditFile } from '../adapters/audit/file.ts';
import type { AwsClient } from '../adapters/aws/client.ts';
import { createChannels } from '../adapters/channels/registry.ts';
import { createHeartbeat } from '../adapters/heartbeat/heartbeat.ts';
import { createFleet } from '../adapters/inventory/fleet.ts';
import { openSources } from '../adapters/inventory/registry.ts';
import type { Leadership } from '../adapters/postgres/leadership.ts';
import { createProber } from '../adapters/probes/prober.ts';
import { signatureFile } from '../adapters/signatures/signature-source.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { repeatsValues } from '../adapters/stores/registry.ts';
import { describeError } from '../core/errors.ts';
import { count, some } from '../core/health.ts';
import { stageLog } from '../core/log-stages.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import type { Notice } from '../core/notify/notice.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { Audit, Clock, Counters, Logger, SampleStore, Secrets, StateStore } from '../core/ports.ts';
import { createDraw, type Drawer } from '../core/stages/draw.ts';
import { maintainLocalAudit, runAuditExport, runAuditNotices } from './audit.ts';
import type { Backlog } from './backlog.ts';
import { type ChartFiles, createChartFiles } from './chart-files.ts';
import type { Sleep } from './clock.ts';
import { runDiskWatch } from './disk-watch.ts';
import type { Faults } from './faults.ts';
import { type OpenedFiles, runFolderWatch } from './folder-watch.ts';
import type { createHealth } from './health.ts';
import { runHousekeeping } from './housekeeping.ts';
import { channelsOfLeader } from './leading.ts';
import type { LocalMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { runNotices } from './notices.ts';
import { startNotifier } from './notifier.ts';
import { beatIfHealthy } from './pulse.ts';
import type { RemovalGuard } from './removal.ts';
import { createRoundRunner, type RoundResult } from './round.ts';
import type { RoundFacts } from './round-faults.ts';
import { runSchedule } from './scheduler.ts';
import { addressOf } from './server.ts';

/** A slow source of the inventory delays a round by no more than this. */
const INVENTORY_WAIT_MS = 1_000;

/** What stays while configurations change: the data, the process, and what is known of its health. */
export interface MonitoringPorts {
  dir: string;
  opened: OpenedFiles;
  store: SampleStore;
  state: StateStore;
  audit: Audit;
  auditFile: AuditFile;
  clock: Clock;
  sleep: Sleep;
  logger: Logger;
  meter: LocalMeter;
  secrets: Secrets;
  actor: string;
  leadership: Leadership | undefined;
  faults: Faults;
  removal: RemovalGuard;
  health: ReturnType<typeof createHealth>;
  backlog: Backlog;
  epoch: string | undefined;
  jitterShare: number;
  aws: AwsClient | undefined;
  onTurn: () => void;
  onRound: ((result: RoundResult) => void) | undefined;
  onFacts: (facts: RoundFacts) => void;
  onPass: (failures: number, error?: unknown) => void;
}

/** What may continue for how long after `stop`, before it is cut off. */
export interface Grace {
  roundMs: number;
  sendMs: number;
}

/** All of it is cut off at once. */
export const NO_GRACE: Grace = { roundMs: 0, sendMs: 0 };

/** Everything that follows from one configuration, ready to start. */
export interface Monitoring {
  /** As written, without the clusters of inventories. */
  config: Config;
  /** With their clusters, as of the last listing. Equal ones are the same object. */
  wholeConfig(): Config;
  charts: ChartFiles;
  targets(): Promise<readonly Target[]>;
  /** Whether a channel shows pictures. */
  showsPictures: boolean;
  /** Begins its rounds, with `fromMs` if that round is due already. `notice`: what channels must know of the start. */
  start(options: {
    drawer: Drawer;
    fromMs?: number | undefined;
    notice?: { notice: Notice; onKept: () => void } | undefined;
  }): void;
  /**
   * Starts no new round, and ends when the current round and sends did or were cut off. A second call shortens the grace.
   * Resolves to the round that would have begun next. It need not have been started.
   */
  stop(grace: Grace): Promise<number | undefined>;
}

/**
 * Makes what a configuration asks for, and changes nothing that runs. @throws ConfigError for a secret that is missing, or
 * a key or channel that is unusable
 */
export async function prepareMonitoring(
  config: Config,
  host: MonitoringPorts,
  { isRemovalAllowed = false }: { isRemovalAllowed?: boolean } = {},
): Promise<Monitoring> {
  const { dir, state, auditFile, clock, sleep, logger, meter, secrets } = host;
  const toNotify = { ...host, logger: stageLog(logger, 'notify') };
  const created = await createChannels(config.channels, toNotify);
  const channels = channelsOfLeader(created, host.leadership);
  const kept = createHeldCounters(state.counters);
  let isRunning = false;
  const fleet = createFleet({
    config,
    sources: openSources(config.inventory, { secrets, clock, aws: host.aws }),
    kept,
    isRemovalAllowed,
    patience: () => sleep(INVENTORY_WAIT_MS, stopping.signal),
    onRefusedRemovals: (refused) => isRunning && reportRemovals(refused, host.faults),
    async checkCluster(cluster) {
      await createKeyring({ ...config, clusters: [cluster] }, secrets).ofCluster(cluster.name);
    },
    clock,
    logger: stageLog(logger, 'plan'),
    meter,
  });
  // Only for its errors: a token that is missing.
  await openMetrics(() => config.server.metrics, { secrets, logger });
  const prober = await createProber({
    ...host,
    logger: stageLog(logger, 'probe'),
    config: fleet.config,
    knownHosts: join(dir, 'known_hosts'),
    counters: state.counters,
    repeatsValues: repeatsValues(config.store),
    signatures: config.signatures && signatureFile(config.signatures.file),
  });
  const { chartRetentionMs, publicUrl = addressOf(config.server), heartbeat: url } = config.server;
  const charts = await createChartFiles({
    dir: join(dir, 'charts'),
    publicUrl,
    retentionMs: chartRetentionMs,
    nowMs: clock.nowMs,
  });
  const stopping = new AbortController();
  const cut = new AbortController();
  /** Ends what was started. */
  let end = async (_sendMs: number): Promise<number | undefined> => undefined;
  let ended: Promise<number | undefined> | undefined;

  return {
    config,
    wholeConfig: rememberWhole(fleet.config),
    charts,
    targets: () => fleet.list(),
    showsPictures: [...channels.values()].some(({ shows }) => shows !== 'none'),
    start({ drawer, fromMs, notice }) {
      kept.release();
      isRunning = true;
      const draw = createDraw({ drawer, charts, config });
      const notifier = startNotifier(config, {
        ...toNotify,
        channels,
        draw,
        epoch: async () => host.epoch,
      });
      const runRound = createRoundRunner(config, {
        ...host,
        prober,
        inventory: {
          async list() {
            const targets = await fleet.list();
            await host.removal.remember({ targets, config, isAllowed: isRemovalAllowed });
            return targets;
          },
          answers: fleet.answers,
        },
        onEvaluated: notifier.wake,
      });
      const signal = stopping.signal;
      const heartbeat = url === undefined ? undefined : createHeartbeat({ ...toNotify, url, signal });
      const schedule = runSchedule({
        tickMs: tickIntervalMs(config.checks),
        offsetMs: Math.floor(config.schedule.jitterMs * host.jitterShare),
        ...(fromMs !== undefined && { fromMs }),
        signal,
        clock,
        sleep,
        logger: stageLog(logger, 'plan'),
        meter,
        onTurn: host.onTurn,
        async runRound(roundMs) {
          const beganAtMs = clock.nowMs();
          let error: string | undefined;
          try {
            const result = await runRound(roundMs, cut.signal);
            host.onRound?.(result);
          } catch (cause) {
            error = secrets.redact(describeError(cause));
            meter.count('rounds_failed_total');
            logger.error('round failed', { round: new Date(roundMs).toISOString(), error });
          }
          const completedAtMs = clock.nowMs();
          const durationMs = completedAtMs - beganAtMs;
          host.health.roundEnded({ roundMs, completedAtMs, durationMs, ...(error ? { error } : {}) });
          const found = await host.health.check();
          if (heartbeat && !cut.signal.aborted) beatIfHealthy(heartbeat, found, { meter, logger });
        },
      });
      const toAudit = stageLog(logger, 'audit');
      const noticing = {
        ...toNotify,
        counters: state.counters,
        channels,
        redact: secrets.redact,
        timeZone: config.schedule.timeZone,
        signal,
      };
      const beside = [
        runHousekeeping({
          ...host,
          config,
          charts,
          maintainAudit: (nowMs) =>
            maintainLocalAudit(auditFile, { ...host, logger: toAudit, config }, nowMs),
          signal,
        }),
        runFolderWatch({ ...host, signal }),
        runDiskWatch({ ...noticing, config, dir: host.dir }),
        runAuditNotices({ ...noticing, logger: toAudit }),
        runAuditExport(auditFile, { ...noticing, logger: toAudit, config }),
        runNotices(notice?.notice, {
          ...noticing,
          ...(notice && { onKept: notice.onKept }),
        }).catch((error: unknown) => logger.error('notices cannot be read', { error: describeError(error) })),
      ];
      end = async (sendMs) => {
        const [nextMs] = await Promise.all([schedule, ...beside]);
        await notifier.stop(sendMs);
        return nextMs;
      };
    },
    async stop({ roundMs, sendMs }) {
      stopping.abort();
      const timer = setTimeout(() => cut.abort(), roundMs);
      ended ??= end(sendMs).finally(() => prober.close());
      return await ended.finally(() => clearTimeout(timer));
    },
  };
}

function reportRemovals(refused: readonly { source: string; problem: string }[], faults: Faults): void {
  if (refused.length === 0) faults.clear('removal-refused');
  else
    faults.raise({
      kind: 'warning',
      code: 'removal-refused',
      words: `${count(refused.length, 'source')} of the inventory lacks too many nodes; they stay in use`,
      detail: some(refused.map(({ source, problem }) => `${source}: ${problem}`)),
    });
}

/** A listing makes a new list of clusters, mostly of the same ones. */
function rememberWhole(live: Config): () => Config {
  let last: Config | undefined;
  return () => {
    const { clusters } = live;
    const before = last?.clusters;
    const isSame =
      before?.length === clusters.length && before.every((cluster, i) => cluster === clusters[i]);
    if (!last || !isSame) last = { ...live };
    return last;
  };
}

/** Holds writes back until the release: a configuration that is only tried out leaves nothing. */
function createHeldCounters(counters: Counters): Counters & { release(): void } {
  let held: Map<string, unknown> | undefined = new Map();
  return {
    load: async (key) => (held?.has(key) ? held.get(key) : await counters.load(key)),
    async save(key, value) {
      if (held) held.set(key, value);
      else await counters.save(key, value);
    },
    release() {
      const before = held ?? new Map<string, unknown>();
      held = undefined;
      // A source is stored again with its next change.
      for (const [key, value] of before) counters.save(key, value).catch(() => {});
    },
  };
}

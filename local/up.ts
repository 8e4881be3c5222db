import type { AwsClient } from '../adapters/aws/client.ts';
import { createPictureQueue } from '../adapters/charts/picture-queue.ts';
import { startWorkerThread } from '../adapters/charts/worker-thread.ts';
import { storeInTurns } from '../adapters/event-loop/turns.ts';
import type { Leadership } from '../adapters/postgres/leadership.ts';
import type { DatabaseName } from '../adapters/sqlite/integrity.ts';
import { openStore } from '../adapters/stores/registry.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Target } from '../core/model/target.ts';
import { tickIntervalMs } from '../core/plan/plan.ts';
import type { Clock, Logger, Secrets } from '../core/ports.ts';
import { epochOfStart } from '../core/stages/epoch.ts';
import { readUndelivered } from '../core/stages/undelivered.ts';
import { anchorHead, openLocalAudit } from './audit.ts';
import { boundRepeats } from './bounded-logger.ts';
import { type Sleep, systemClock, systemSleep } from './clock.ts';
import { closeAll } from './close-all.ts';
import { listenForCommands } from './control.ts';
import { continueRestore } from './data-restore.ts';
import { createFaults } from './faults.ts';
import { identifyDatabases } from './folder-watch.ts';
import { createHealth, type Health } from './health.ts';
import { createLocalHistory } from './history.ts';
import { healthOfLeader, openUpState, storeOfLeader } from './leading.ts';
import { lockData } from './lock.ts';
import { type LogLevels, logLevelCommand } from './log-levels.ts';
import { createMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { type Monitoring, type MonitoringPorts, NO_GRACE, prepareMonitoring } from './monitoring.ts';
import { noticeOf } from './notices.ts';
import { createPassFaults, createPulse } from './pulse.ts';
import { checkData, forgetSetAside } from './recovery.ts';
import { createReloader, type Reloader, reloadCommand } from './reload.ts';
import { AT_START, createRemovalGuard } from './removal.ts';
import type { RoundResult } from './round.ts';
import { createRoundFaults } from './round-faults.ts';
import { addressOf, startServer } from './server.ts';
import { openServerTls } from './server-tls.ts';
import { watchAudit, watchState, watchStore } from './watched-ports.ts';

export interface Bartizan {
  /** The address of `/healthz` and pictures. */
  url: string;
  health(): Promise<Health>;
  /** Why the process should be restarted (`/livez`); undefined while it works. */
  stuck(): string | undefined;
  /** The configuration in force, without the clusters of inventories. */
  config(): Config;
  /** Puts the configuration that `load` returns in force, from the next round on. */
  reload: Reloader['reload'];
  noteChange: Reloader['noteChange'];
  /** Resolves when a database turns out to be damaged: then only a start with `recover` helps. */
  damaged: Promise<DatabaseName>;
  /** Ends within ten seconds: starts no new round, cuts off the current one, and records the current sends. */
  stop(): Promise<void>;
}

/** After that a round leaves nothing, and the next start repeats the sends that did not end. */
const STOP_GRACE = { roundMs: 3_000, sendMs: 4_000 };
/** At a reload the current round ends as usual, if it takes no longer than this or than an interval of rounds. */
const RELOAD_GRACE_MS = 60_000;

/**
 * All stages in this process: rounds on schedule, deliveries beside them, the server. @throws ConfigError when the data
 * folder or the address is in use, a secret is missing, a key is unusable
 */
export async function startBartizan(options: {
  config: Config;
  /** Reads the configuration anew for a reload; default: the same. @throws ConfigError */
  load?: () => Promise<Config>;
  secrets: Secrets;
  logger: Logger;
  /** Levels of the log, which the command `log-level` and a reload change. */
  logLevels?: LogLevels;
  actor?: string;
  /** Puts a damaged database aside and sends a notice to every channel, instead of refusing to start. */
  recover?: boolean;
  /**
   * With `recover`: the database whose damage the last process met. It is put aside even if the check finds nothing.
   */
  met?: DatabaseName | undefined;
  /** Where several processes share one state: this one leads. The caller has the lock of the data folder. */
  leadership?: Leadership;
  /** The configuration may lack as many nodes of the last process as it likes. */
  allowRemoval?: boolean;
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
    let current: Monitoring | undefined;
    const inForce = () => current?.config ?? config;
    const health = createHealth(
      {
        config: {
          get channels() {
            return inForce().channels;
          },
          get server() {
            return inForce().server;
          },
        },
        read: () => readUndelivered(inForce(), { state, clock }),
        faults,
        clock,
        meter,
        redact: secrets.redact,
        logLost: options.logger.lost,
      },
      {
        startedAtMs,
        get tickMs() {
          return tickIntervalMs(inForce().checks);
        },
      },
    );
    const checkHealth = healthOfLeader(health.check, leadership, watching);
    const scheduler = createPulse();
    const ports = { store, state, audit, clock, logger, meter, secrets, faults };
    const removal = createRemovalGuard({ counters: state.counters, clock, logger });
    const host: MonitoringPorts = {
      removal,
      ...ports,
      dir,
      opened: identifyDatabases(dir),
      auditFile,
      sleep,
      actor: options.actor ?? 'bartizan',
      leadership,
      health,
      backlog: [],
      epoch: await epochOfStart(ports, tickIntervalMs(config.checks)),
      jitterShare,
      aws: options.aws,
      onTurn: scheduler.beat,
      onRound: options.onRound,
      onFacts: createRoundFaults(faults),
      onPass: createPassFaults(faults),
    };
    const isRemovalAllowed = options.allowRemoval ?? false;
    const first = await prepareMonitoring(config, host, { isRemovalAllowed });
    current = first;
    // For the failure of a later step; the stop below has ended it before.
    opened.push(() => first.stop(STOP_GRACE));
    const targets = await listAtStart(first, logger);
    if (targets) {
      const proposal = { targets, config, isAllowed: isRemovalAllowed, advice: AT_START };
      const refusal = await removal.refusal(proposal);
      if (refusal !== undefined) throw new ConfigError(refusal);
      await removal.accept(proposal);
    }

    const whole = () => (current ?? first).wholeConfig();
    const asked = { config: inForce, wholeConfig: whole, health: checkHealth, audit: auditFile };
    const history = createLocalHistory({ ...ports, ...asked });
    opened.push(() => history.close());
    const { host: address, port } = config.server;
    const server = await startServer({
      tls: await openServerTls(() => inForce().server.tls, { secrets, logger }),
      history,
      ...(await openMetrics(() => inForce().server.metrics, { secrets, logger })),
      host: address,
      port,
      get hosts() {
        const { hosts, publicUrl = addressOf(config.server) } = inForce().server;
        return [...hosts, new URL(publicUrl).hostname];
      },
      charts: { get: async (name) => await current?.charts.get(name) },
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
    const startsAhead = first.showsPictures;
    const drawer = createPictureQueue({ startThread: () => startWorkerThread(source), startsAhead });
    opened.push(() => drawer.close());

    let isStopping = false;
    const reloader = createReloader({
      ...ports,
      load: options.load ?? (async () => config),
      current: () => current ?? first,
      prepare: (next, allowed) => prepareMonitoring(next, host, { isRemovalAllowed: allowed }),
      removal,
      async replace(next) {
        const grace = { ...STOP_GRACE, roundMs: Math.max(RELOAD_GRACE_MS, tickIntervalMs(inForce().checks)) };
        const fromMs = await current?.stop(grace);
        if (isStopping) return false;
        current = next;
        meter.forgetLabelled();
        options.logLevels?.configure(next.config.log);
        next.start({ drawer, fromMs });
        return true;
      },
    });
    first.start({
      drawer,
      notice:
        aside.length > 0
          ? { notice: noticeOf(aside, clock.nowMs()), onKept: () => forgetSetAside(dir) }
          : undefined,
    });
    const commands = { reload: reloadCommand(reloader), 'log-level': logLevelCommand(options.logLevels) };
    const control = await openControl({ dir, logger, commands });
    opened.push(() => control?.close());

    let stopped: Promise<void> | undefined;
    const stop = async () => {
      isStopping = true;
      await current?.stop(leadership?.isLost() ? NO_GRACE : STOP_GRACE);
      await closeAll(opened);
    };
    return {
      url: server.url,
      health: checkHealth,
      stuck: scheduler.stuck,
      config: inForce,
      ...reloader,
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
async function listAtStart(first: Monitoring, logger: Logger): Promise<readonly Target[] | undefined> {
  try {
    return await first.targets();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    logger.error('the inventory cannot be read; no round runs until it can', { error: describeError(error) });
    return undefined;
  }
}

/** Without it `up` runs, and commands cannot reach it. */
async function openControl(options: Parameters<typeof listenForCommands>[0]) {
  try {
    return await listenForCommands(options);
  } catch (error) {
    options.logger.warn('`bartizan reload` cannot reach this process; SIGHUP can', {
      error: describeError(error),
    });
    return undefined;
  }
}

// A process that shares its state with others: it leads, or stands by until the leader is gone.
import { hostname } from 'node:os';
import { type Contender, type Leadership, openContender } from '../adapters/postgres/leadership.ts';
import type { PostgresOptions } from '../adapters/postgres/options.ts';
import type { DatabaseName } from '../adapters/sqlite/integrity.ts';
import { endpointOf, layFoundation, migrate } from '../adapters/state/postgres/migrate.ts';
import { postgresOptionsOf } from '../adapters/state/registry.ts';
import { fixedChanges } from '../core/config/config-changes.ts';
import { ConfigError, describeError } from '../core/errors.ts';
import type { Finding } from '../core/health.ts';
import { clockFinding } from '../core/health-clock.ts';
import type { Config } from '../core/model/config.ts';
import type { Refusal } from '../history/interfaces.ts';
import { systemClock, systemSleep } from './clock.ts';
import type { Health } from './health.ts';
import { lockData } from './lock.ts';
import { createMeter } from './meter.ts';
import { openMetrics } from './metrics-access.ts';
import { createPulse } from './pulse.ts';
import type { ReloadOutcome } from './reload.ts';
import { addressOf, type LocalServer, startServer } from './server.ts';
import { openServerTls } from './server-tls.ts';
import { type Bartizan, startBartizan } from './up.ts';

export type UpOptions = Omit<Parameters<typeof startBartizan>[0], 'leadership'>;

/** A standby asks for the lead this often. */
const TRY_EVERY_MS = 1_000;
const STANDS_BY: ReloadOutcome = {
  kind: 'refused',
  message: 'this process stands by, and reads the file when it takes over: reload the process that leads',
};
/** The samples of this machine may be old, so that answers would be wrong rather than late. */
const ANSWERS_NOTHING: Refusal = {
  status: 503,
  code: 'standby',
  message: 'this process stands by; ask the one that leads, whose `/readyz` answers 200',
  retryAfterS: 5,
};
/** After a failure of the database, or of a start. */
const PAUSE_MS = 3_000;

/**
 * Everything in this process (`startBartizan`), at once or when it leads. With shared state it resolves when it leads or
 * stands by. @throws ConfigError as `startBartizan`, or when the database refuses us
 */
export function startUp(options: UpOptions): Promise<Bartizan> {
  const postgres = postgresOptionsOf(options.config);
  return postgres === undefined ? startBartizan(options) : startContending(options, postgres);
}

async function startContending(options: UpOptions, postgres: PostgresOptions): Promise<Bartizan> {
  const { config, secrets, logger, clock = systemClock, sleep = systemSleep } = options;
  const stopping = new AbortController();
  const damaged = Promise.withResolvers<DatabaseName>();
  const startedAtMs = clock.nowMs();
  const lock = lockData(config.store.path);
  let contender: Contender | undefined;
  let running: Bartizan | undefined;
  let standby: Standby | undefined;
  let inForce = config;
  let failure: string | undefined;
  let knownTerm: number | undefined;
  let clockProblem: Finding | undefined;

  const ownHealth = () => healthOfStandby({ startedAtMs, failure, clockProblem });

  /** Says so once, also in a process that leads from its start. */
  function noteClock(differenceMs: number | undefined): void {
    const finding = clockFinding(differenceMs);
    if (finding && !clockProblem) logger.warn(finding.words);
    clockProblem = finding;
  }

  /** @throws ConfigError | RetryableError after which there is no contender */
  async function tryToLead(): Promise<Leadership | undefined> {
    try {
      contender ??= await openContender({
        options: postgres,
        secrets,
        name: hostname(),
        layFoundation,
        migrate,
        endpoint: endpointOf(postgres),
        nowMs: clock.nowMs,
      });
      const leadership = await contender.tryToLead();
      const leader = leadership === undefined ? await contender.leader() : undefined;
      noteClock(contender.clockDifferenceMs());
      if (leader && leader.term !== knownTerm)
        logger.info('standing by', { leader: leader.name, since: new Date(leader.sinceMs).toISOString() });
      knownTerm = leader?.term;
      failure = undefined;
      return leadership;
    } catch (error) {
      contender = undefined;
      throw error;
    }
  }

  async function startLeading(leadership: Leadership): Promise<void> {
    logger.info('this process leads', { term: leadership.term });
    await standby?.server.close();
    standby = undefined;
    running = await startBartizan({ ...options, config: await configToLeadWith(), leadership });
    void running.damaged.then(damaged.resolve);
  }

  /** The file may have changed while this process stood by. */
  async function configToLeadWith(): Promise<Config> {
    try {
      const now = (await options.load?.()) ?? inForce;
      const fixed = fixedChanges(config, now);
      if (fixed.length > 0) throw new ConfigError(`${fixed.join(', ')}: this changes with a restart only`);
      inForce = now;
    } catch (error) {
      const why = secrets.redact(describeError(error));
      logger.error('the configuration on disk is not in force; this process leads with the former one', {
        error: why,
      });
    }
    return inForce;
  }

  /** Resolves when the process leads no more. */
  async function leadUntilLost(leadership: Leadership): Promise<void> {
    const stopped = new Promise<undefined>((resolve) =>
      stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    const why = stopping.signal.aborted ? undefined : await Promise.race([leadership.lost, stopped]);
    if (why !== undefined) logger.error('this process does not lead any more; it sends nothing', { why });
    const ended = running;
    inForce = ended?.config() ?? inForce;
    running = undefined;
    await ended
      ?.stop()
      .catch((error: unknown) => logger.warn('the end met an error', { error: describeError(error) }));
    await contender?.close();
    contender = undefined;
  }

  async function standBy(): Promise<void> {
    standby ??= await startStandby(options, ownHealth);
  }

  async function contend(first: Leadership | undefined): Promise<void> {
    let leadership = first;
    while (!stopping.signal.aborted) {
      try {
        if (leadership && running) await leadUntilLost(leadership);
        leadership = undefined;
        if (stopping.signal.aborted) break;
        await standBy();
        standby?.beat();
        leadership = await tryToLead();
        if (leadership) await startLeading(leadership);
        else await sleep(TRY_EVERY_MS, stopping.signal);
      } catch (error) {
        const why = secrets.redact(describeError(error));
        if (why !== failure)
          logger.error('this process can neither lead nor stand by; it tries again', { error: why });
        failure = why;
        await contender?.close();
        contender = undefined;
        leadership = undefined;
        await sleep(PAUSE_MS, stopping.signal);
      }
    }
    await contender?.close();
    await standby?.server.close();
  }

  let first: Leadership | undefined;
  try {
    first = await tryToLead().catch((error: unknown) => {
      // The operator must act; a database that is away comes back.
      if (error instanceof ConfigError) throw error;
      failure = secrets.redact(describeError(error));
      logger.error('the database of state cannot be reached; it is tried again', { error: failure });
      return undefined;
    });
    if (first) await startLeading(first);
    else await standBy();
  } catch (error) {
    await contender?.close();
    lock.release();
    throw error;
  }
  const contending = contend(first);
  return {
    get url() {
      return running?.url ?? standby?.server.url ?? addressOf(config.server);
    },
    health: async () => (await running?.health()) ?? ownHealth(),
    stuck: () => (running ? running.stuck() : standby?.stuck()),
    config: () => running?.config() ?? inForce,
    reload: async (request) => (await running?.reload(request)) ?? STANDS_BY,
    noteChange: (words) => running?.noteChange(words),
    damaged: damaged.promise,
    async stop() {
      stopping.abort();
      await contending.finally(() => lock.release());
    },
  };
}

interface Standby {
  server: LocalServer;
  /** The process asks for the lead. */
  beat(): void;
  stuck(): string | undefined;
}

/** A standby answers about itself, and has no pictures. @throws ConfigError when its address is in use */
async function startStandby({ config, secrets, logger }: UpOptions, check: () => Health): Promise<Standby> {
  const { host, port, hosts, metrics, tls, publicUrl } = config.server;
  const meter = createMeter();
  const pulse = createPulse();
  meter.gauge('leader', 0);
  const server = await startServer({
    host,
    port,
    hosts,
    ...(await openMetrics(() => metrics, { secrets, logger })),
    tls: await openServerTls(() => tls, { secrets, logger }),
    history: { service: () => ANSWERS_NOTHING, timeoutMs: () => 0, publicUrl: () => publicUrl },
    charts: { get: async () => undefined },
    health: async () => check(),
    stuck: pulse.stuck,
    standsBy: true,
    metrics: () => meter.text(),
    meter,
  });
  return { server, ...pulse };
}

/** Healthy while it could take over. */
function healthOfStandby({
  startedAtMs,
  failure,
  clockProblem,
}: {
  startedAtMs: number;
  failure: string | undefined;
  clockProblem: Finding | undefined;
}): Health {
  const words = 'this process can neither lead nor take over: the database of state, or its own start, fails';
  const reasons = failure === undefined ? [] : [{ code: 'standby-failing' as const, words, detail: failure }];
  return {
    status: failure === undefined ? 'ok' : 'failing',
    role: 'standby',
    reasons,
    warnings: clockProblem ? [clockProblem] : [],
    startedAt: new Date(startedAtMs).toISOString(),
    lastRound: null,
    roundsCompleted: 0,
    roundsSkipped: 0,
    alertsUndelivered: 0,
    deliveriesFailed: 0,
    breachToAcceptedP99: null,
  };
}

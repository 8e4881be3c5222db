import { ConfigError, describeError, RetryableError } from '../../core/errors.ts';
import type { AccessKind, AuditEntry } from '../../core/model/audit.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BastionConfig, Config } from '../../core/model/config.ts';
import type { BastionOutcome, BatchObservation, Failure } from '../../core/model/observation.ts';
import { fitDeadlines, fitLogin } from '../../core/plan/deadlines.ts';
import type { Audit, Clock, Counters, Logger, Meter, Prober, Secrets } from '../../core/ports.ts';
import { checkOptions } from '../../core/registry.ts';
import { loopWatch } from '../event-loop/loop-watch.ts';
import { type SignatureSource, watchSignatures } from '../signatures/signature-source.ts';
import { logInAudited } from '../ssh/audited-login.ts';
import { openBastionConnection } from '../ssh/bastion-connection.ts';
import { openBastionSession } from '../ssh/bastion-session.ts';
import { type BastionDialer, createBastionPool } from '../ssh/connection-pool.ts';
import { ProbeError, probeError } from '../ssh/failure.ts';
import { createKeyring } from '../ssh/keyring.ts';
import { createPinnedKeys } from '../ssh/known-hosts-file.ts';
import { namesOfNode } from '../ssh/known-hosts-names.ts';
import { hasNativeCrypto, NO_NATIVE_CRYPTO } from '../ssh/native-crypto.ts';
import type { NodeAccess } from '../ssh/node-sessions.ts';
import { explainOpenFiles } from '../ssh/open-files.ts';
import { checkSecrets, withSecrets } from './check-secrets.ts';
import { measureCosts } from './cost/measure.ts';
import { httpClientOf } from './http-client.ts';
import { repeatLastValues } from './last-values.ts';
import { probeBatch } from './probe-batch.ts';
import type { ConfiguredProbe } from './probe-node.ts';
import { PROBES } from './registry.ts';
import { createScriptForms } from './script-forms.ts';
import { probeByWays, type WayPorts, type WayRound } from './ways.ts';

export interface ProberOptions {
  config: Pick<Config, 'bastions' | 'clusters' | 'checks' | 'sessions'>;
  secrets: Secrets;
  audit: Audit;
  counters: Counters;
  clock: Clock;
  logger: Logger;
  meter?: Meter;
  /** The file that `bartizan trust` writes; it need not exist. */
  knownHosts: string;
  /** Where signatures of scripts are. Absent: scripts are sent without. */
  signatures?: SignatureSource | undefined;
  /** Who probes, and for what, in each line of the audit. Default: the program, in a round. */
  actor?: string;
  kind?: AccessKind;
  /** Pause before the script runs again, where an earlier round left no comparable counters. */
  resampleAfterMs?: number;
  /**
   * Which connections stay open between batches. `all`: those to bastions and, in them, to nodes. `bastion`: only the one to
   * the last bastion, reused after a quick round trip; for a process that is frozen in between. `nothing`: for a process
   * that is frozen for so long that the network forgets its connections.
   */
  keep?: 'all' | 'bastion' | 'nothing';
  /** Whether the store must be given the last values of slow checks in each round. Default: no. */
  repeatsValues?: boolean;
  /** Whether all keys and secrets must be usable at the start. Default: true. If false, each batch reads those that it needs. */
  checksKeys?: boolean;
}

/** Sessions with nodes that were not probed for this time are closed. */
const UNUSED_MS = 15 * 60_000;
/** When this process runs out of files, it keeps no connection open for this time: sending the notification needs files too. */
const OUT_OF_FILES_MS = 10 * 60_000;

/**
 * Probes nodes through bastions over SSH. Connections stay open between batches, as `keep` says, until `close`.
 * @throws ConfigError when a private key cannot be resolved or used, or known_hosts cannot be read
 */
export async function createProber(options: ProberOptions): Promise<Prober> {
  const { config, audit, counters, logger, meter, actor = 'bartizan', kind = 'probe' } = options;
  const { resampleAfterMs = 1_000, keep = 'all', checksKeys = true } = options;
  const onlyBastion = keep === 'bastion';
  const nowMs = () => options.clock.nowMs();
  const count: Meter['count'] = (...change) => meter?.count(...change);
  const keyring = createKeyring(config, options.secrets);
  const hostKeys = createPinnedKeys(options.knownHosts);
  const signatures = watchSignatures(options.signatures, logger);
  const formsWith = createScriptForms();
  let outOfFilesUntilMs = 0;
  const logins = new Map<string, { roundMs: number; outcome: Promise<BastionOutcome> }>();
  const pool = createBastionPool({
    nowMs,
    count,
    keeps: () => keep !== 'nothing' && nowMs() >= outOfFilesUntilMs,
    onlyLast: onlyBastion,
    sessions: config.sessions,
  });
  await hostKeys.load();
  const checked = checksKeys ? config : { bastions: [], clusters: [] };
  for (const { name } of checked.bastions) await keyring.ofBastion(name);
  for (const { name } of checked.clusters) await keyring.ofCluster(name);
  if (checksKeys) {
    await checkSecrets(
      config.checks.map(({ name }) => findCheck(name)),
      options.secrets,
    );
  }
  if (!hasNativeCrypto()) {
    logger.warn(NO_NATIVE_CRYPTO);
  }

  /** Reads login keys and pinned host keys at the start of a batch. */
  async function accessTo(batch: Batch, bastion: BastionConfig): Promise<Omit<NodeAccess, 'penalties'>[]> {
    const { targets, roundMs } = batch;
    const pinned = await hostKeys.load();
    const clusters = [...new Set(targets.map(({ cluster }) => cluster))];
    const found = await Promise.all(clusters.map((name) => keyring.ofCluster(name).catch(unusableKey)));
    const keys = new Map(clusters.map((name, i) => [name, found[i] as NodeAccess['key']]));
    const deadlines = fitDeadlines(bastion.deadlines, batch);
    const accesses: Omit<NodeAccess, 'penalties'>[] = [];
    for (const target of targets) {
      const key = keys.get(target.cluster) as NodeAccess['key'];
      const pins = await pinned(target.hostKeys, namesOfNode(target));
      accesses.push({ target, key, pinned: pins, roundMs, deadlines });
    }
    return accesses;
  }

  /** How the pool logs in to the bastion for one batch. */
  function dialerFor(
    bastion: BastionConfig,
    record: (entry: AuditEntry) => void,
    signal: AbortSignal | undefined,
  ): BastionDialer {
    const ports = { keyring, hostKeys, accessor: { kind, actor }, nowMs, record };
    return {
      async open() {
        signal?.throwIfAborted();
        const { sessions } = config;
        return logInAudited(bastion, ports, (access) =>
          // Compression saves traffic and costs CPU. A kept session sends too little to save any.
          openBastionConnection({ ...access, sessions, nowMs, count, signal, packs: keep !== 'all' }),
        );
      },
      async checkLogin() {
        const session = await logInAudited(bastion, ports, (access) =>
          openBastionSession({ ...access, signal }),
        );
        count('ssh_sessions_opened_total', { hop: 'bastion' });
        session.end();
      },
    };
  }

  function findCheck(name: string): ConfiguredProbe {
    const check = config.checks.find((candidate) => candidate.name === name);
    const probe = PROBES.find((candidate) => candidate.type === check?.probe);
    if (!check || !probe) throw new ConfigError(`there is no check ${name}, or its probe is unknown`);
    const read = checkOptions(probe, check);
    if (!read) throw new ConfigError(`check ${name}: its options are none of probe ${probe.type}`);
    return { check: { ...check, options: read }, probe };
  }

  function findBastion(name: string): BastionConfig {
    const bastion = config.bastions.find((candidate) => candidate.name === name);
    if (!bastion) throw new ConfigError(`no bastion is called ${name}`);
    return bastion;
  }

  /** Probes targets of a batch through one bastion. */
  async function probeThrough(
    { bastion: name, batch, targets, signal, onCost, ...listeners }: WayRound,
    record: (entry: AuditEntry) => void,
  ): Promise<BatchObservation> {
    const found = findBastion(name);
    const bastion = batch.otherBastions ? { ...found, deadlines: fitLogin(found.deadlines, batch) } : found;
    let result: BatchObservation;
    const watched = loopWatch.start();
    try {
      const accesses = await accessTo({ ...batch, targets }, bastion);
      const checks = await Promise.all(
        batch.checks.map((check) => withSecrets(findCheck(check), options.secrets)),
      );
      result = await pool.use(bastion, batch, dialerFor(bastion, record, signal), async (connection) => {
        signal?.throwIfAborted();
        const cut = () => connection.destroy();
        signal?.addEventListener('abort', cut);
        try {
          const context = {
            connection,
            bastion,
            roundMs: batch.roundMs,
            nowMs,
            actor,
            kind,
            audit: record,
            resampleAfterMs,
            forms: formsWith(await signatures()),
          };
          const ports = { ...listeners, checks, counters, logger, meter };
          const round = await probeBatch(batch, context, accesses, ports);
          if (onCost && round.bastion.ok)
            await measureCosts(batch, context, accesses, checks, round.observations, onCost);
          return round;
        } finally {
          signal?.removeEventListener('abort', cut);
          if (keep !== 'all') httpClientOf(connection).closeIdle();
          connection.dropUnusedSince(onlyBastion ? Number.POSITIVE_INFINITY : nowMs() - UNUSED_MS);
        }
      });
    } catch (error) {
      if (explainOpenFiles(error) !== undefined) outOfFilesUntilMs = nowMs() + OUT_OF_FILES_MS;
      const failure = failureOf(error, signal);
      result = { batch, bastion: { ok: false, failure }, observations: [] };
    } finally {
      watched();
    }
    if (wasRefused(result)) options.secrets.forget?.();
    return result;
  }

  /** One login a round for all batches: a bastion that comes back would refuse many at once. */
  function checkLogin(
    name: string,
    { roundMs, intervalMs = Number.POSITIVE_INFINITY }: Batch,
    signal: AbortSignal | undefined,
    record: (entry: AuditEntry) => void,
  ): Promise<BastionOutcome> {
    const known = logins.get(name);
    if (known?.roundMs === roundMs) return known.outcome;
    const { deadlines, ...bastion } = findBastion(name);
    const bastionMs = Math.min(deadlines.bastionMs, intervalMs);
    const outcome = dialerFor({ ...bastion, deadlines: { ...deadlines, bastionMs } }, record, signal)
      .checkLogin()
      .then(
        (): BastionOutcome => ({ ok: true }),
        (error: unknown): BastionOutcome => ({ ok: false, failure: failureOf(error, signal) }),
      );
    logins.set(name, { roundMs, outcome });
    return outcome;
  }

  return {
    async probe(batch, probeOptions = {}) {
      const { signal } = probeOptions;
      const written: Promise<void>[] = [];
      const record = (entry: AuditEntry) => {
        const append = audit.append([entry]);
        append.catch(() => {});
        written.push(append);
      };
      const ports: WayPorts = {
        counters,
        logger,
        probeThrough: (round) => probeThrough(round, record),
        checkBastion: (name, part) => checkLogin(name, part, signal, record),
      };
      const { bastion, targets } = batch;
      const result = batch.otherBastions
        ? await probeByWays(batch, probeOptions, ports)
        : await probeThrough({ ...probeOptions, bastion, batch, targets }, record);
      // Every login and command must be in the audit: a round whose audit cannot be written fails.
      await Promise.all([...written, audit.flush?.()]);
      if (!options.repeatsValues) return result;
      const { observations } = result;
      const repeats = await repeatLastValues(batch, observations, {
        checks: config.checks,
        counters,
        logger,
      });
      return repeats.length > 0 ? { ...result, repeats } : result;
    },
    async close() {
      pool.close();
    },
  };
}

/** An unusable key fails only the nodes that need it. @throws errors that are not about the key */
function unusableKey(error: unknown): ProbeError {
  if (!(error instanceof ConfigError || error instanceof RetryableError)) throw error;
  return probeError('auth', 'handshake', `our key cannot be used: ${describeError(error)}`, { cause: error });
}

/** Whether a login was refused: the key may have been rotated since it was read. */
function wasRefused({ bastion, observations }: BatchObservation): boolean {
  const refusals = [bastion, ...observations.map(({ result }) => result)];
  return refusals.some((one) => !one.ok && one.failure.reason === 'auth');
}

/** @throws an error that is no failure of a probe */
function failureOf(error: unknown, signal: AbortSignal | undefined): Failure {
  if (error instanceof ProbeError) return error.failure;
  const tooMany = explainOpenFiles(error);
  if (tooMany !== undefined) return { reason: 'unreachable', phase: 'bastion', detail: tooMany };
  if (signal?.aborted)
    return { reason: 'timeout', phase: 'bastion', detail: `cut off: ${describeError(error)}` };
  throw error;
}

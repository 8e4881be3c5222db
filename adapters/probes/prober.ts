import { isIP } from 'node:net';
import type { BastionConfig, Config } from '../../core/config/types.ts';
import { ConfigError, describeError } from '../../core/errors.ts';
import type { Batch, BatchObservation, Failure, Observation, Target } from '../../core/model.ts';
import type { Audit, AuditEntry, Clock, Counters, Logger, Meter, Prober, Secrets } from '../../core/ports.ts';
import { loopWatch } from '../loop-watch.ts';
import { forEachAtOnce } from '../ssh/at-once.ts';
import { type BastionLink, type NodeAccess, openBastionLink } from '../ssh/bastion-link.ts';
import { forbiddenBy, ProbeError, probeError } from '../ssh/failure.ts';
import { fingerprintOf } from '../ssh/host-keys.ts';
import { createKeyring } from '../ssh/keyring.ts';
import { knownHostName, knownNodeNames } from '../ssh/known-hosts.ts';
import { createPinnedKeys } from '../ssh/known-hosts-file.ts';
import { createLinks } from '../ssh/links.ts';
import type { LoginKey } from '../ssh/login-key.ts';
import { hasNativeCrypto } from '../ssh/native-crypto.ts';
import { explainOpenFiles } from '../ssh/open-files.ts';
import { type Look, type LookContext, lookAtNode } from './node-look.ts';
import { PROBES } from './registry.ts';
import { loadCounters, saveCounters } from './round-counters.ts';

export interface ProberOptions {
  config: Pick<Config, 'bastions' | 'clusters' | 'checks'>;
  secrets: Secrets;
  audit: Audit;
  counters: Counters;
  clock: Clock;
  logger: Logger;
  meter?: Meter;
  /** File kept by `bartizan trust`; it need not exist. */
  knownHosts: string;
  /** Who the audit says it was. */
  actor?: string;
  /** Between two looks where there are no counters of an earlier round. */
  secondLookMs?: number;
  /**
   * What stays open between batches. `all`: connections to bastions and, in them, to nodes. `bastion`: that to the
   * bastion used last, and it is used again only after a quick round trip: for a process that is stopped in between.
   * `nothing`: for one that is stopped for so long that the way there forgets connections.
   */
  keep?: 'all' | 'bastion' | 'nothing';
}

/** Sessions of nodes that were not looked at for so long are closed. */
const UNUSED_MS = 15 * 60_000;
/** While files run out no connection is kept: what tells people of it, between rounds, needs some too. */
const SHORT_MS = 10 * 60_000;
/** A bastion that needs longer for a round trip answers nothing else either: nodes that were silent may not be. */
const AT_ONCE_MS = 3_000;

/**
 * Probes through bastions over SSH; connections stay open between batches, as `keep` says, until `close`.
 * @throws ConfigError when a private key cannot be resolved or used
 */
export async function createProber(options: ProberOptions): Promise<Prober> {
  const { config, audit, counters, logger, meter, actor = 'bartizan', secondLookMs = 1_000 } = options;
  const { keep = 'all' } = options;
  const onlyBastion = keep === 'bastion';
  const nowMs = () => options.clock.nowMs();
  const count = (name: string, labels: Record<string, string>) => meter?.count(name, labels);
  const keyring = createKeyring(config, options.secrets);
  const hostKeys = createPinnedKeys(options.knownHosts);
  let shortUntilMs = 0;
  const links = createLinks({
    nowMs,
    count,
    keeps: () => keep !== 'nothing' && nowMs() >= shortUntilMs,
    onlyLast: onlyBastion,
  });
  for (const { name } of config.bastions) await keyring.ofBastion(name);
  for (const { name } of config.clusters) await keyring.ofCluster(name);
  if (!hasNativeCrypto()) {
    logger.warn(
      'ssh2 runs without its native binding, at about twice the CPU; `npm run postinstall` says why',
    );
  }

  /** Keys and pins as they are at the start of a batch. */
  async function accessTo(targets: readonly Target[]): Promise<NodeAccess[]> {
    const pinned = await hostKeys.load();
    const keys = new Map<string, LoginKey>();
    for (const { cluster } of targets) {
      if (!keys.has(cluster)) keys.set(cluster, await keyring.ofCluster(cluster));
    }
    return targets.map((target) => ({
      target,
      key: keys.get(target.cluster) as LoginKey,
      pinned: pinned(target.hostKeys, knownNodeNames(target)),
    }));
  }

  async function openLink(
    bastion: BastionConfig,
    record: (entry: AuditEntry) => void,
    signal: AbortSignal | undefined,
  ): Promise<BastionLink> {
    signal?.throwIfAborted();
    const startMs = nowMs();
    const entry = (outcome: string, fingerprint: string | undefined): AuditEntry => ({
      atMs: startMs,
      actor,
      bastion: bastion.name,
      ...(fingerprint !== undefined && { hostKeyFingerprint: fingerprint }),
      durationMs: nowMs() - startMs,
      bytes: 0,
      outcome,
    });
    try {
      const key = await keyring.ofBastion(bastion.name);
      const pinned = (await hostKeys.load())(bastion.hostKeys, [knownHostName(bastion.host, bastion.port)]);
      const link = await openBastionLink({ bastion, key, pinned, nowMs, count, signal });
      record(entry('ok', link.fingerprint));
      return link;
    } catch (error) {
      if (error instanceof ProbeError)
        record(entry(error.failure.reason, error.hostKey && fingerprintOf(error.hostKey)));
      throw error;
    }
  }

  return {
    async probe(batch, { signal, onObservation } = {}) {
      const bastion = config.bastions.find((candidate) => candidate.name === batch.bastion);
      if (!bastion) throw new ConfigError(`no bastion is called ${batch.bastion}`);
      const written: Promise<void>[] = [];
      const record = (entry: AuditEntry) => {
        const append = audit.append([entry]);
        append.catch(() => {});
        written.push(append);
      };
      let result: BatchObservation;
      const watched = loopWatch.start();
      try {
        const accesses = await accessTo(batch.targets);
        result = await links.use(
          bastion,
          batch.index,
          () => openLink(bastion, record, signal),
          async (link) => {
            signal?.throwIfAborted();
            const cut = () => link.destroy();
            signal?.addEventListener('abort', cut);
            try {
              const context = {
                link,
                bastion,
                roundMs: batch.roundMs,
                nowMs,
                actor,
                audit: record,
                secondLookMs,
              };
              return await probeTargets(batch, context, accesses, onObservation);
            } finally {
              signal?.removeEventListener('abort', cut);
              link.dropUnusedSince(onlyBastion ? Number.POSITIVE_INFINITY : nowMs() - UNUSED_MS);
            }
          },
        );
      } catch (error) {
        if (explainOpenFiles(error) !== undefined) shortUntilMs = nowMs() + SHORT_MS;
        const failure = failureOf(error, signal);
        result = { batch, bastion: { ok: false, failure }, observations: [] };
      } finally {
        watched();
      }
      // No way in passes the audit by: what cannot be written there fails the round.
      await Promise.all(written);
      if (wasRefused(result)) options.secrets.forget?.();
      return result;
    },
    async close() {
      links.close();
    },
  };

  async function probeTargets(
    batch: Batch,
    context: LookContext,
    accesses: readonly NodeAccess[],
    onObservation: ((done: number) => void) | undefined,
  ): Promise<BatchObservation> {
    const { link, bastion } = context;
    const looks: Look[] = [];
    let lost: Failure | undefined;
    let slow: Failure | undefined;
    let done = 0;
    const checks = batch.checks.map(findCheck);
    const earlier = await loadCounters(batch, counters, logger);

    await forEachAtOnce(accesses, bastion.concurrency, async (access) => {
      for (const check of checks) {
        if (lost !== undefined) return;
        const before = earlier.get(check.check.name, access.target);
        const look = await lookAtNode(context, access, check, before);
        // What fails by silence may fail because of the bastion. One that answers at once after it is not to blame.
        if (look.error && isSilence(look.error)) {
          const askedMs = loopWatch.nowMs();
          const alive = await link.isAlive(bastion.deadlines.bastionMs);
          if (!alive) lost ??= bastionLost(look.error.failure, batch);
          else if (loopWatch.nowMs() - askedMs > AT_ONCE_MS) slow ??= bastionSlow(batch);
        }
        looks.push(look);
      }
      onObservation?.(++done);
    });

    await saveCounters(batch, counters, logger, earlier, looks);
    lost ??= slow ?? forbiddenAll(looks);
    const observations: Observation[] = looks.map((look) => look.observation);
    if (lost === undefined) return { batch, bastion: { ok: true }, observations };
    const answered = observations.filter(({ result }) => result.ok);
    return { batch, bastion: { ok: false, failure: lost }, observations: answered };
  }

  function findCheck(name: string) {
    const check = config.checks.find((candidate) => candidate.name === name);
    const probe = PROBES.find((candidate) => candidate.type === check?.probe);
    if (!check || !probe) throw new ConfigError(`no check is called ${name}, or its kind is not known`);
    return { check, probe };
  }
}

/** A key may have been rotated since it was read. */
function wasRefused({ bastion, observations }: BatchObservation): boolean {
  const refusals = [bastion, ...observations.map(({ result }) => result)];
  return refusals.some((one) => !one.ok && one.failure.reason === 'auth');
}

function isSilence({ failure }: ProbeError): boolean {
  return failure.reason === 'timeout' || failure.reason === 'protocol';
}

function bastionLost({ reason }: Failure, batch: Batch): Failure {
  const detail = `the bastion stopped answering in the middle of the round${resolves(batch)}`;
  return probeError(reason === 'timeout' ? 'timeout' : 'protocol', 'bastion', detail).failure;
}

function bastionSlow(batch: Batch): Failure {
  const detail = `the bastion answered nothing for a while in the middle of the round${resolves(batch)}`;
  return probeError('timeout', 'bastion', detail).failure;
}

/** OpenSSH resolves names of nodes one at a time, and does nothing else for the connection meanwhile. */
function resolves({ targets }: Batch): string {
  const names = targets.filter(({ host }) => isIP(host) === 0).map(({ host }) => host);
  return names.length === 0 ? '' : `; does its name server answer for ${names.slice(0, 3).join(', ')}?`;
}

/** A bastion that lets us through to none of its nodes tells nothing about any of them. */
function forbiddenAll(looks: readonly Look[]): Failure | undefined {
  const forbidden = looks.length > 0 && looks.every(({ error }) => error?.failure.reason === 'forbidden');
  return forbidden ? forbiddenBy('any of its nodes').failure : undefined;
}

/** @throws what is no failure of a probe */
function failureOf(error: unknown, signal: AbortSignal | undefined): Failure {
  if (error instanceof ProbeError) return error.failure;
  const tooMany = explainOpenFiles(error);
  if (tooMany !== undefined) return { reason: 'unreachable', phase: 'bastion', detail: tooMany };
  if (signal?.aborted)
    return { reason: 'timeout', phase: 'bastion', detail: `cut off: ${describeError(error)}` };
  throw error;
}

import { describeError } from '../core/errors.ts';
import { stageLog } from '../core/log-stages.ts';
import type { Batch } from '../core/model/batch.ts';
import type { Config } from '../core/model/config.ts';
import type { BatchObservation, Observation } from '../core/model/observation.ts';
import type { Transition } from '../core/model/transition.ts';
import { hasAnswered } from '../core/parse/samples.ts';
import { WHOLE } from '../core/plan/shards.ts';
import type {
  Audit,
  Clock,
  Inventory,
  Logger,
  Meter,
  Prober,
  RejectedSample,
  SampleStore,
  StateStore,
  WriteResult,
} from '../core/ports.ts';
import { evaluateShard } from '../core/stages/evaluate.ts';
import { writeFleetSamples } from '../core/stages/fleet-samples.ts';
import type { StoreSettings } from '../core/stages/late-samples.ts';
import { plan } from '../core/stages/plan.ts';
import { probe } from '../core/stages/probe.ts';
import { store, storeAnswered } from '../core/stages/store.ts';
import { BACKLOG_BATCHES, type Backlog, byTurn, oldestOf } from './backlog.ts';
import type { Sleep } from './clock.ts';
import { type Absent, absentOf, absentText, type RoundFacts } from './round-faults.ts';

export interface RoundPorts {
  inventory: Inventory;
  prober: Prober;
  store: SampleStore;
  state: StateStore;
  audit: Audit;
  clock: Clock;
  sleep: Sleep;
  logger: Logger;
  meter: Meter;
  /** Rules were evaluated: their transitions can be sent, although the round continues. */
  onEvaluated: () => void;
  /** Takes the outcome of each round, also of one that throws, but not of one that was cut off. */
  onFacts?: (facts: RoundFacts) => void;
  /** Batches that the store has refused so far. Default: none. */
  backlog?: Backlog;
}

export interface RoundResult {
  roundMs: number;
  targets: number;
  observations: readonly BatchObservation[];
  transitions: readonly Transition[];
}

/**
 * Slow batches do not delay the others: after this time the first observations are stored and evaluated, and again
 * after twice the time while batches continue. A second evaluation of a round only adds what new samples change.
 */
export const EVALUATE_AFTER_MS = 3_000;
/** The other waiting batches are not tried after this many refusals: a failing store answers each of them slowly. */
const REFUSALS_AT_MOST = 3;

/**
 * Runs rounds: plans, probes every batch and stores it as soon as it is done, then evaluates all rules. It stores the
 * nodes that answered before a slow batch ends, so a silent node delays only itself. It keeps batches that the store
 * refuses, and writes them with the next round. The shard of one process is `local`.
 */
export function createRoundRunner(
  config: Config,
  ports: RoundPorts,
): (roundMs: number, signal: AbortSignal) => Promise<RoundResult> {
  const { clock, logger, meter, state, audit } = ports;
  const toProbe = { ...ports, logger: stageLog(logger, 'probe') };
  const toStore = { ...ports, logger: stageLog(logger, 'store') };
  const settings: StoreSettings = { config, shards: [WHOLE] };
  const { backlog = [] } = ports;
  /** The store accepted something since the backlog was last tried. */
  let isTaking = false;

  /** The result of the store, or undefined when it refused. */
  async function write(
    observation: BatchObservation,
    stored?: ReadonlySet<Observation>,
    setBack = 0,
  ): Promise<WriteResult | undefined> {
    try {
      const result = await store(observation, toStore, settings, stored);
      isTaking = true;
      return result;
    } catch (error) {
      meter.count('store_failures_total');
      toStore.logger.error('store refused a batch; it is kept and tried again', {
        error: describeError(error),
      });
      backlog.push({ observation, setBack, isRefused: true });
      if (backlog.length > BACKLOG_BATCHES) {
        const [dropped] = backlog.splice(backlog.indexOf(oldestOf(backlog)), 1);
        meter.count('batches_lost_total');
        const round = dropped?.observation.batch.roundMs;
        toStore.logger.error('batch lost: the store has refused too many', { round });
      }
      return undefined;
    }
  }

  /** Oldest first, as some stores need it. A batch that was refused while others were accepted goes last. */
  async function writeBacklog(facts: Facts): Promise<void> {
    let refusals = 0;
    const turns = backlog.splice(0).map(({ observation, setBack, isRefused }) => {
      return { observation, setBack: setBack + (isRefused && isTaking ? 1 : 0), isRefused: false };
    });
    isTaking = false;
    for (const waiting of turns.sort(byTurn)) {
      const isTried = refusals < REFUSALS_AT_MOST;
      const result = isTried ? await write(waiting.observation, undefined, waiting.setBack) : undefined;
      if (!isTried) backlog.push(waiting);
      else if (result) facts.tooLate += rejectedOf(result, 'too-late');
      else refusals++;
    }
  }

  async function run(roundMs: number, signal: AbortSignal, facts: Facts): Promise<RoundResult> {
    const startMs = clock.nowMs();
    await writeBacklog(facts);
    const { batches, targets } = await plan({ roundMs, config }, ports);
    facts.batches = batches.length;
    const evaluate = async (batchesOutstanding: boolean) => {
      if (signal.aborted) return [];
      facts.failedRules = [];
      const request = { config, targets, roundMs, shard: WHOLE, batchesOutstanding };
      const onRuleFailed = (rule: string) => void facts.failedRules.push(rule);
      try {
        return await evaluateShard(request, {
          store: ports.store,
          state,
          clock,
          logger: stageLog(logger, 'evaluate'),
          meter,
          onRuleFailed,
        });
      } finally {
        // Also when some rules failed: the transitions of the others can be sent.
        ports.onEvaluated();
      }
    };
    // One batch that cannot be probed at all (a missing key file) fails the round, but the others are evaluated.
    const failures: unknown[] = [];
    const answers = createAnswers(toStore, settings);
    const probeOrFail = async (batch: Batch) => {
      try {
        return await probe(batch, toProbe, { signal, onNode: (ofNode) => answers.add(batch, ofNode) });
      } catch (error) {
        failures.push(error);
        meter.count('batches_failed_total', { bastion: batch.bastion });
        toProbe.logger.error('batch not probed', { bastion: batch.bastion, error: describeError(error) });
        return undefined;
      }
    };
    let done = false;
    const cut = untilAborted(signal);
    const probing = Promise.all(
      batches.map(async (batch) => {
        const observation = await Promise.race([probeOrFail(batch), cut.promise]);
        // `cut` wins over any outcome that an abort leads to: half a batch would look like nodes that are down.
        if (!observation) return undefined;
        facts.observations.push(observation);
        answers.settle(batch);
        const result = await write(observation, answers.stored);
        facts.written += (result?.written ?? 0) + (result?.duplicates ?? 0);
        facts.rejected += rejectedOf(result, 'invalid');
        facts.tooLate += rejectedOf(result, 'too-late');
        return observation;
      }),
    ).finally(() => {
      done = true;
      cut.forget();
    });
    const transitions: Transition[] = [];
    let evaluated = 0;
    for (let pauseMs = EVALUATE_AFTER_MS; ; pauseMs *= 2) {
      const pause = new AbortController();
      await Promise.race([probing, ports.sleep(pauseMs, pause.signal)]).finally(() => pause.abort());
      if (done || signal.aborted) break;
      facts.written += await answers.store();
      const seen = facts.observations.length + answers.stored.size;
      if (done || seen === evaluated) continue;
      evaluated = seen;
      // The last evaluation of the round meets the same error again.
      transitions.push(...(await evaluate(true).catch(() => [])));
    }
    const observations = await probing;
    if (!signal.aborted) {
      facts.absent = absentOf(batches, observations);
      const ofSources = ports.inventory.answers?.() ?? [];
      const seen = { roundMs, targets, answers: ofSources, statuses: () => state.listTargetStatus() };
      // A store that takes nothing answers slowly, too.
      if (isTaking || backlog.length === 0) await writeFleetSamples(seen, toStore, settings);
      else meter.count('coverage_failures_total');
    }
    transitions.push(...(await evaluate(false)));
    facts.isEvaluated = !signal.aborted;
    const { writer, sequence, hash } = audit.head();
    if (sequence > 0) await state.putAuditHead(writer, { sequence, hash, atMs: roundMs });
    if (failures.length > 0) throw new Error(`a batch could not be probed: ${describeError(failures[0])}`);
    const absent = facts.absent.reduce((sum, { nodes }) => sum + nodes, 0);
    meter.gauge('nodes_absent', absent);
    if (facts.absent.length > 0) throw new Error(absentText(facts.absent));
    const elapsedS = (clock.nowMs() - startMs) / 1000;
    meter.gauge('round_duration_seconds', elapsedS);
    meter.observe('round_elapsed_seconds', elapsedS);
    meter.gauge('round_scheduled_timestamp_seconds', roundMs / 1000);
    meter.gauge('targets', targets.length);
    // Nobody can read a batch that the store refused.
    if (backlog.length === 0) meter.count('rounds_total');
    return {
      roundMs,
      targets: targets.length,
      observations: observations.filter((o) => o !== undefined),
      transitions,
    };
  }

  return async (roundMs, signal) => {
    const facts: Facts = {
      batches: 0,
      observations: [],
      absent: [],
      written: 0,
      rejected: 0,
      tooLate: 0,
      failedRules: [],
      isEvaluated: false,
    };
    try {
      return await run(roundMs, signal, facts);
    } finally {
      if (!signal.aborted) ports.onFacts?.({ ...facts, refusedBatches: backlog.length });
    }
  };
}

function rejectedOf(result: WriteResult | undefined, cause: RejectedSample['cause']): number {
  return result?.rejected.filter((one) => one.cause === cause).length ?? 0;
}

interface Facts extends Omit<RoundFacts, 'refusedBatches'> {
  observations: BatchObservation[];
  absent: readonly Absent[];
  failedRules: string[];
}

/** The observations of batches that are not done. */
function createAnswers(ports: RoundPorts, settings: StoreSettings) {
  const stored = new Set<Observation>();
  const waiting = new Map<Batch, Observation[]>();
  return {
    add(batch: Batch, ofNode: readonly Observation[]): void {
      if (hasAnswered(ofNode)) waiting.set(batch, [...(waiting.get(batch) ?? []), ...ofNode]);
    },
    /** The batch is done: the rest of it is stored as a whole. */
    settle: (batch: Batch) => void waiting.delete(batch),
    /** Those that need not be stored again. */
    stored: stored as ReadonlySet<Observation>,
    /** Returns how many samples were stored. Refused ones are stored with their batch. */
    async store(): Promise<number> {
      let count = 0;
      for (const [batch, observations] of waiting) {
        waiting.delete(batch);
        try {
          const { written, duplicates } = await storeAnswered({ batch, observations }, ports, settings);
          for (const observation of observations) stored.add(observation);
          count += written + duplicates;
        } catch (error) {
          ports.logger.warn(
            'store refused the first observations of a batch; they are stored with the whole batch',
            {
              error: describeError(error),
            },
          );
        }
      }
      return count;
    },
  };
}

/** Resolves at the abort: a stop does not wait for a hanging handshake. */
function untilAborted(signal: AbortSignal): { promise: Promise<undefined>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const abort = () => resolve(undefined);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { promise, forget: () => signal.removeEventListener('abort', abort) };
}

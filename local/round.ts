import type { Config } from '../core/config/types.ts';
import { describeError } from '../core/errors.ts';
import type { Batch, BatchObservation, Transition } from '../core/model.ts';
import { WHOLE } from '../core/plan/shards.ts';
import type {
  Audit,
  Clock,
  Inventory,
  Logger,
  Meter,
  Prober,
  SampleStore,
  StateStore,
  WriteResult,
} from '../core/ports.ts';
import { evaluate } from '../core/stages/evaluate.ts';
import { plan } from '../core/stages/plan.ts';
import { probe } from '../core/stages/probe.ts';
import { store } from '../core/stages/store.ts';
import type { Sleep } from './clock.ts';
import type { RoundFacts } from './round-faults.ts';

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
  /** Something was judged: what it led to can be sent, though the round goes on. */
  onJudged: () => void;
  /** What the round has come to, also where it throws; not of one that was cut off. */
  onFacts?: (facts: RoundFacts) => void;
}

export interface RoundResult {
  roundMs: number;
  targets: number;
  observations: readonly BatchObservation[];
  transitions: readonly Transition[];
}

/**
 * Batches that take longer do not hold up the verdict on the others: what they bring is judged when it is there. A
 * second evaluation of a round changes nothing but what new samples change.
 */
export const JUDGE_AFTER_MS = 3_000;
/** Batches kept in memory while the store refuses them; older ones are dropped and counted. */
const BACKLOG_BATCHES = 600;
/** Of batches that waited, so many are tried in vain in a round: a store that is out answers each of them slowly. */
const REFUSALS_AT_MOST = 3;

/**
 * Runs rounds: plan, then every batch is probed and stored as soon as it is done, then all rules are judged. What
 * the store refuses is kept and written with the next round. The shard of one process is `local`.
 */
export function createRoundRunner(
  config: Config,
  ports: RoundPorts,
): (roundMs: number, signal: AbortSignal) => Promise<RoundResult> {
  const { clock, logger, meter, state, audit } = ports;
  const backlog: BatchObservation[] = [];

  /** What the store has taken, or undefined where it refused. */
  async function write(observation: BatchObservation): Promise<WriteResult | undefined> {
    try {
      return await store(observation, ports, config.schedule.latenessMs);
    } catch (error) {
      meter.count('store_failures_total');
      logger.error('store refused a batch; it is kept and tried again', { error: describeError(error) });
      backlog.push(observation);
      while (backlog.length > BACKLOG_BATCHES) {
        const dropped = backlog.shift();
        meter.count('batches_lost_total');
        logger.error('batch lost: the store has refused too many', { round: dropped?.batch.roundMs });
      }
      return undefined;
    }
  }

  /** What was refused before; what is refused again goes last. */
  async function writeBacklog(): Promise<void> {
    const untried: BatchObservation[] = [];
    let refusals = 0;
    for (const observation of backlog.splice(0)) {
      if (refusals >= REFUSALS_AT_MOST) untried.push(observation);
      else if (!(await write(observation))) refusals++;
    }
    backlog.unshift(...untried);
  }

  async function run(roundMs: number, signal: AbortSignal, facts: Facts): Promise<RoundResult> {
    const startMs = clock.nowMs();
    await writeBacklog();
    const { batches, targets } = await plan({ roundMs, config }, ports);
    facts.batches = batches.length;
    const judge = async (partial: boolean) => {
      if (signal.aborted) return [];
      facts.failedRules = [];
      const request = { config, targets, roundMs, shard: WHOLE, partial };
      const onRuleFailed = (rule: string) => void facts.failedRules.push(rule);
      try {
        return await evaluate(request, { store: ports.store, state, clock, logger, meter, onRuleFailed });
      } finally {
        // Also where some rules failed: what became of the others can be sent.
        ports.onJudged();
      }
    };
    // One batch that cannot be probed at all (a key file gone) fails the round, but not the verdict on the others.
    const failures: unknown[] = [];
    const probeOrFail = async (batch: Batch) => {
      try {
        return await probe(batch, ports, { signal });
      } catch (error) {
        failures.push(error);
        meter.count('batches_failed_total', { bastion: batch.bastion });
        logger.error('batch not probed', { bastion: batch.bastion, error: describeError(error) });
        return undefined;
      }
    };
    let done = false;
    const cut = untilAborted(signal);
    const probing = Promise.all(
      batches.map(async (batch) => {
        const observation = await Promise.race([probeOrFail(batch), cut.promise]);
        // An aborted round is as if it had not been tried: half of it would read as nodes down.
        if (!observation || signal.aborted) return observation;
        facts.observations.push(observation);
        const result = await write(observation);
        facts.written += (result?.written ?? 0) + (result?.duplicates ?? 0);
        facts.rejected += result?.rejected.length ?? 0;
        return observation;
      }),
    ).finally(() => {
      done = true;
      cut.forget();
    });
    const early = new AbortController();
    await Promise.race([probing, ports.sleep(JUDGE_AFTER_MS, early.signal)]).finally(() => early.abort());
    // What it fails of, the second judging of the round meets again.
    const first = done ? [] : await judge(true).catch(() => []);
    const observations = await probing;
    const transitions = [...first, ...(await judge(false))];
    facts.isJudged = !signal.aborted;
    const { writer, sequence, hash } = audit.head();
    await state.putAuditHead(writer, { sequence, hash, atMs: roundMs });
    if (failures.length > 0) throw new Error(`a batch could not be probed: ${describeError(failures[0])}`);
    meter.gauge('round_duration_seconds', (clock.nowMs() - startMs) / 1000);
    meter.gauge('round_scheduled_timestamp_seconds', roundMs / 1000);
    meter.gauge('targets', targets.length);
    meter.count('rounds_total');
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
      written: 0,
      rejected: 0,
      failedRules: [],
      isJudged: false,
    };
    try {
      return await run(roundMs, signal, facts);
    } finally {
      if (!signal.aborted) ports.onFacts?.({ ...facts, refusedBatches: backlog.length });
    }
  };
}

interface Facts extends Omit<RoundFacts, 'refusedBatches'> {
  observations: BatchObservation[];
  failedRules: string[];
}

/** A stop waits for nobody: what hangs in a handshake is left to itself. */
function untilAborted(signal: AbortSignal): { promise: Promise<undefined>; forget(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const abort = () => resolve(undefined);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { promise, forget: () => signal.removeEventListener('abort', abort) };
}

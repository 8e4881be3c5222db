// A batch whose nodes have several bastions: which one it goes through, and second opinions.

import { describeError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BastionOutcome, BatchObservation, Observation } from '../../core/model/observation.ts';
import type { Target } from '../../core/model/target.ts';
import { type FailedWays, orderWays, readFailedWays, rememberWays, type Way } from '../../core/plan/ways.ts';
import type { Counters, Logger, ProbeOptions } from '../../core/ports.ts';

/** What to probe through one bastion: some targets of a batch. */
export interface WayRound extends ProbeOptions {
  bastion: string;
  /** With the checks and the time of this way. */
  batch: Batch;
  targets: readonly Target[];
  /** Absent: there is no other bastion to ask. */
  onUncertain?: (observation: Observation) => void;
}

export interface WayPorts {
  counters: Counters;
  logger: Logger;
  probeThrough(round: WayRound): Promise<BatchObservation>;
  /** Logs in to a bastion and ends the session. */
  checkBastion(bastion: string, batch: Batch): Promise<BastionOutcome>;
}

/**
 * Probes a batch through the first of its bastions that works. Where a node does not answer there, the next one that works is
 * asked in the same round: one that reaches the node is believed, and the observation says which bastion missed it. A node is
 * so called down only when both bastions say so, or when one alone works.
 */
export async function probeByWays(
  batch: Batch,
  options: ProbeOptions,
  ports: WayPorts,
): Promise<BatchObservation> {
  const { signal } = options;
  const failed = await loadFailed(batch, ports);
  const order = orderWays(batch, failed);
  const outcomes = new Map<string, BastionOutcome>();
  const intervalMs = (batch.intervalMs ?? batch.expiresAtMs - batch.roundMs) / 2;
  const part: Batch = { ...batch, intervalMs };
  const marked = new WeakMap<Observation, Observation>();
  /** The same object each time: nodes that answered early are known again by it. */
  const mark = (bastion: string, observation: Observation): Observation => {
    if (bastion === batch.bastion) return observation;
    const known = marked.get(observation) ?? { ...observation, through: bastion };
    marked.set(observation, known);
    return known;
  };

  const observations: Observation[] = [];
  const doubted: Observation[] = [];
  let used: string | undefined;
  const findWay = async () => {
    const { onNode, onObservation } = options;
    let targets = batch.targets;
    for (const bastion of order) {
      if (targets.length === 0 || (outcomes.size > 0 && signal?.aborted)) return;
      const before = batch.targets.length - targets.length;
      const uncertain: Observation[] = [];
      const round = await ports.probeThrough({
        ...options,
        bastion,
        batch: part,
        targets,
        onUncertain: (observation) => uncertain.push(mark(bastion, observation)),
        onObservation: (done) => onObservation?.(before + done),
        onNode: (seen) => onNode?.(seen.map((one) => mark(bastion, one))),
      });
      outcomes.set(bastion, round.bastion);
      const seen = round.observations.map((one) => mark(bastion, one));
      observations.push(...seen);
      if (round.bastion.ok) {
        doubted.push(...uncertain);
        used = bastion;
        return;
      }
      const answered = new Set(seen.map(({ target }) => nameOf(target)));
      targets = targets.filter((target) => !answered.has(nameOf(target)));
    }
  };
  const checkUnused = () =>
    Promise.all(
      order.slice(1).map(async (bastion) => {
        if (!batch.checksBastions && !(bastion in failed)) return;
        const outcome = await ports.checkBastion(bastion, part);
        if (!outcomes.has(bastion)) outcomes.set(bastion, outcome);
      }),
    );
  await Promise.all([findWay(), checkUnused()]);

  const second = used === undefined ? new Map() : await askAgain(used);
  const ways: Way[] = [...outcomes].map(([bastion, outcome]) => ({ bastion, outcome }));
  await saveFailed(batch, failed, rememberWays(failed, ways), ports);
  const first = outcomes.get(batch.bastion) ?? outcomes.get(order[0] ?? batch.bastion) ?? { ok: true };
  const undecided = new Set(doubted.filter((one) => !second.has(one)));
  return {
    batch,
    bastion: used === undefined ? first : { ok: true },
    ways,
    // Without the time for a second opinion the node is unknown, as behind a bastion that was cut off.
    observations: observations.filter((one) => !undecided.has(one)).map((one) => second.get(one) ?? one),
  };

  /** What another bastion says about the checks that are in doubt. */
  async function askAgain(missedBy: string): Promise<Map<Observation, Observation>> {
    const opinions = new Map<Observation, Observation>();
    const names = new Set(doubted.map(({ target }) => nameOf(target)));
    const checks = batch.checks.filter((check) => doubted.some((one) => one.check === check));
    const targets = batch.targets.filter((target) => names.has(nameOf(target)));
    for (const bastion of order) {
      if (doubted.length === 0 || signal?.aborted) return opinions;
      if (bastion === missedBy || outcomes.get(bastion)?.ok === false) continue;
      const alsoUncertain = new Set<string>();
      const round = await ports.probeThrough({
        ...(signal && { signal }),
        bastion,
        batch: { ...part, checks },
        targets,
        onUncertain: (observation) => alsoUncertain.add(keyOf(observation)),
      });
      if (!round.bastion.ok && signal?.aborted) return opinions;
      // A bastion that forbids all of the few nodes in doubt may lead to the others: it is not lost.
      const isForbidden = !round.bastion.ok && round.bastion.failure.reason === 'forbidden';
      outcomes.set(bastion, isForbidden ? { ok: true } : round.bastion);
      if (!round.bastion.ok && !isForbidden) continue;
      const answers = new Map(round.observations.map((one) => [keyOf(one), one]));
      for (const one of doubted) {
        const answer = answers.get(keyOf(one));
        if (answer && !alsoUncertain.has(keyOf(one))) {
          opinions.set(one, { ...answer, through: bastion, missedBy });
        } else opinions.set(one, withDetail(one, `bastion ${bastion} does not reach it either`));
      }
      return opinions;
    }
    for (const one of doubted) opinions.set(one, withDetail(one, 'no other bastion could be asked'));
    return opinions;
  }
}

function withDetail(observation: Observation, more: string): Observation {
  const { result } = observation;
  if (result.ok) return { ...observation, result: { ...result, notes: [...result.notes, more] } };
  const failure = { ...result.failure, detail: `${result.failure.detail}; ${more}` };
  return { ...observation, result: { ok: false, failure } };
}

async function loadFailed(batch: Batch, { counters, logger }: WayPorts): Promise<FailedWays> {
  try {
    return readFailedWays(await counters.load(objectOf(batch)));
  } catch (error) {
    const fields = { bastion: batch.bastion, error: describeError(error) };
    logger.warn('which bastions failed lately is lost: they are tried in their order', fields);
    return {};
  }
}

async function saveFailed(
  batch: Batch,
  before: FailedWays,
  failed: FailedWays,
  { counters, logger }: WayPorts,
): Promise<void> {
  if (JSON.stringify(failed) === JSON.stringify(before)) return;
  try {
    await counters.save(objectOf(batch), { version: 1, failed });
  } catch (error) {
    const fields = { bastion: batch.bastion, error: describeError(error) };
    logger.warn(
      'which bastions failed could not be stored: the next round tries them in their order',
      fields,
    );
  }
}

function objectOf({ bastion, index, count }: Batch): string {
  return `${bastion}/${index}of${count}/ways`;
}

function keyOf({ check, target }: Observation): string {
  return JSON.stringify([target.cluster, target.node, check]);
}

function nameOf({ cluster, node }: Target): string {
  return JSON.stringify([cluster, node]);
}

import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import { shareBudget } from '../../core/plan/deadlines.ts';
import { mayBeTheWay } from '../../core/plan/ways.ts';
import type { Counters, Logger, Meter, ProbeOptions } from '../../core/ports.ts';
import { forEachLimit } from '../ssh/concurrency-limit.ts';
import type { ProbeError } from '../ssh/failure.ts';
import type { NodeAccess } from '../ssh/node-sessions.ts';
import { createPenalties } from '../ssh/penalties.ts';
import { deniedToAll, watchBastion } from './bastion-health.ts';
import { openLabelLimit } from './label-limit.ts';
import type { CheckAccess, ProbeContext } from './node-handle.ts';
import { type ConfiguredProbe, failedProbe, type NodeProbe, probeNode } from './probe-node.ts';
import { loadCounters, saveCounters } from './round-counters.ts';

export interface BatchPorts extends Omit<ProbeOptions, 'signal'> {
  /** The checks of the batch, in their order. */
  checks: readonly ConfiguredProbe[];
  counters: Counters;
  logger: Logger;
  meter: Meter | undefined;
  /** Hears of each check that failed, or saw silence, as it would if only this bastion did not reach the node. */
  onUncertain?: (observation: Observation) => void;
}

/** A node that takes longer stops counting in `concurrency`, so that other nodes do not wait for a silent one. */
const PATIENCE_MS = 2_000;

/** Makes all checks of a batch on all of its nodes, over one connection to their bastion. */
export async function probeBatch(
  batch: Batch,
  context: ProbeContext,
  accesses: readonly Omit<NodeAccess, 'penalties'>[],
  { checks, counters, logger, meter, onObservation, onNode, onUncertain }: BatchPorts,
): Promise<BatchObservation> {
  const { connection, bastion } = context;
  const probes: NodeProbe[] = [];
  const health = watchBastion(connection, bastion, batch);
  let done = 0;
  const [earlier, labelLimit] = await Promise.all([
    loadCounters(batch, counters, logger),
    openLabelLimit(batch, { counters, logger, meter }),
  ]);
  const penalties = createPenalties(context.nowMs, earlier.penalties);

  const logging = checks.filter(({ check, probe }) => probe.logsIn(check.options));
  const others = checks.filter((one) => !logging.includes(one));

  const probeTarget = async (accessible: Omit<NodeAccess, 'penalties'>) => {
    // The node's deadlines start after we waited for the bastion.
    await health.settled();
    const nowMs = () => performance.now();
    const made = new Map<ConfiguredProbe, NodeProbe>();

    /** Runs one check. What does not answer is believed once the bastion has answered. */
    const observe = async (configured: ConfiguredProbe, deadlines: CheckAccess['deadlines']) => {
      await health.settled();
      if (health.isLost()) return undefined;
      const access = { ...accessible, penalties, deadlines };
      const probe = await probeNode(
        context,
        access,
        configured,
        earlier.get(configured.check.name, access.target),
      );
      const silent = probe.silence ?? (probe.error && isSilence(probe.error) ? probe.error : undefined);
      if (silent) await health.check(silent.failure);
      if (probe.error?.failure.phase === 'bastion') health.lose(probe.error.failure);
      if (!(probe.silence && health.isLost())) made.set(configured, probe);
      return probe.error;
    };
    /** Checks that log in take turns in the one session of the node. */
    const observeInSession = async () => {
      const nextDeadlines = shareBudget(accessible.deadlines, batch, nowMs, logging.length);
      let closed: ProbeError | undefined;
      for (const configured of logging) {
        const deadlines = nextDeadlines();
        if (closed) {
          const access = { ...accessible, penalties, deadlines };
          made.set(configured, failedProbe(context, access, configured, closed));
          continue;
        }
        const error = await observe(configured, deadlines);
        if (health.isLost()) return;
        if (error && isClosed(error)) closed = error;
      }
    };
    await Promise.all([
      observeInSession(),
      ...others.map((configured) =>
        observe(configured, shareBudget(accessible.deadlines, batch, nowMs, 1)()),
      ),
    ]);
    const nodeObservations: Observation[] = [];
    const doubted: Observation[] = [];
    for (const configured of checks) {
      const probe = made.get(configured);
      if (!probe) continue;
      const observation = labelLimit.admit(configured.check, probe.observation);
      probes.push({ ...probe, observation });
      nodeObservations.push(observation);
      const failure = (probe.silence ?? probe.error)?.failure;
      if (failure && mayBeTheWay(failure, logging.includes(configured))) doubted.push(observation);
    }
    if (health.isLost()) return;
    onObservation?.(++done);
    if (onUncertain && doubted.length > 0) for (const observation of doubted) onUncertain(observation);
    else onNode?.(nodeObservations);
  };
  await forEachLimit(accesses, bastion.concurrency, probeTarget, PATIENCE_MS);
  if (health.isSpent()) connection.destroy();

  await Promise.all([
    saveCounters(batch, counters, logger, earlier, probes, penalties.entries(batch.targets)),
    labelLimit.save(),
  ]);
  const lost = health.failure() ?? deniedToAll(probes);
  const observations: Observation[] = probes.map((probe) => probe.observation);
  if (lost === undefined) return { batch, bastion: { ok: true }, observations };
  const answered = probes.filter(({ observation, silence }) => observation.result.ok && !silence);
  return {
    batch,
    bastion: { ok: false, failure: lost },
    observations: answered.map((one) => one.observation),
  };
}

function isSilence({ failure }: ProbeError): boolean {
  return failure.reason === 'timeout' || failure.reason === 'protocol';
}

/** Whether nobody got as far as a session with the node. */
function isClosed({ failure }: ProbeError): boolean {
  return failure.phase === 'handshake' || (failure.phase === 'dial' && failure.reason !== 'forbidden');
}

import type { Labels } from '../model/labels.ts';
import type { BatchObservation, Failure, Observation, ProbePhase } from '../model/observation.ts';
import type { Sample } from '../model/sample.ts';
import { appendAll } from '../numbers/extremes.ts';

const NONE: ReadonlySet<Observation> = new Set();
/** The kind of check whose success is `up`, and needs no metric of its own. */
export const UP_PROBE = 'usage';
/** Its scripts are not ours: that one fails, or takes too long, says nothing about the node. */
const OPERATORS_PROBE = 'command';
const SERVICE_PHASES: ReadonlySet<ProbePhase> = new Set(['connect', 'tls', 'request']);

/**
 * The samples of a batch, all at the time of its round. While its bastion fails there are no samples of nodes that did
 * not answer: they are unknown, not down. A node with several checks is up when one of them ran. Nodes in `stored` are
 * left out, as `samplesOfNode` has returned their samples before.
 */
export function samplesOf(
  { batch, bastion, ways = [{ bastion: batch.bastion, outcome: bastion }], observations }: BatchObservation,
  stored: ReadonlySet<Observation> = NONE,
): Sample[] {
  const timeMs = batch.roundMs;
  const samples: Sample[] = [];
  for (const { bastion: name, outcome } of ways) {
    // A bastion that is one of several elsewhere has batches of its own with the same numbers.
    const number = name === batch.bastion ? String(batch.index) : `${batch.bastion}/${batch.index}`;
    const labels = { bastion: name, batch: number };
    samples.push({ metric: 'bastion_up', labels, timeMs, value: outcome.ok ? 1 : 0 });
    const value = sawHostKey(outcome.ok ? undefined : outcome.failure, 'bastion');
    if (value !== undefined) samples.push({ metric: 'bastion_host_key_mismatch', labels, timeMs, value });
  }

  for (const ofNode of groupByNode(observations)) {
    if (ofNode.some((observation) => stored.has(observation))) continue;
    if (!bastion.ok && !hasAnswered(ofNode)) continue;
    appendAll(samples, samplesOfNode(ofNode, timeMs));
  }
  return samples;
}

/**
 * Whether a node answered, given all its observations of a round: its samples then hold whatever becomes of its batch. A
 * service that answers through the bastion does not show whether a login that failed was the node's fault.
 */
export function hasAnswered(ofNode: readonly Observation[]): boolean {
  const ran = ofNode.filter(({ result }) => result.ok);
  return ran.some(({ withoutLogin }) => !withoutLogin) || (ran.length > 0 && ran.length === ofNode.length);
}

/** The samples of one node, from all its observations of a round. */
export function samplesOfNode(ofNode: readonly Observation[], timeMs: number): Sample[] {
  const [first] = ofNode;
  if (!first) return [];
  const { cluster, node, role } = first.target;
  const labels: Labels = { cluster, node, role };
  const samples: Sample[] = [];
  const logins = ofNode.filter((one) => !one.withoutLogin && !failedAfterLogin(one));
  const up = logins.some(({ result }) => result.ok && result.login !== 'unknown');
  if (up || (logins.length > 0 && !logins.some(isUnknown)))
    samples.push({ metric: 'up', labels, timeMs, value: up ? 1 : 0 });
  const keys = logins.map(({ result }) => sawHostKey(result.ok ? undefined : result.failure, 'node'));
  const key = keys.find((value) => value !== undefined);
  if (key !== undefined) samples.push({ metric: 'host_key_mismatch', labels, timeMs, value: key });
  const way = wayTo(ofNode);
  if (way) {
    const ofWay: Labels = { ...labels, bastion: way.bastion };
    samples.push({ metric: 'way_lost', labels: ofWay, timeMs, value: way.isLost ? 1 : 0 });
  }
  for (const { check, probe = UP_PROBE, durationMs, result } of ofNode) {
    const ofCheck: Labels = { ...labels, check };
    if (probe !== UP_PROBE && !(result.ok === false && result.failure.reason === 'penalty')) {
      samples.push({ metric: 'probe_success', labels: ofCheck, timeMs, value: result.ok ? 1 : 0 });
    }
    if (!result.ok) continue;
    if (result.isPartial) samples.push({ metric: 'probe_partial', labels: ofCheck, timeMs, value: 1 });
    const value = durationMs / 1000;
    samples.push({ metric: 'probe_duration', labels: ofCheck, timeMs, value });
    appendAll(samples, result.samples);
  }
  return samples;
}

/** The bastion that was asked first, where a node has several, and whether another one had to be. Undefined: none reached it. */
function wayTo(ofNode: readonly Observation[]): { bastion: string; isLost: boolean } | undefined {
  const [first] = ofNode;
  if (!first?.target.otherBastions) return undefined;
  const missed = ofNode.find(({ missedBy }) => missedBy !== undefined);
  if (missed?.missedBy !== undefined) return { bastion: missed.missedBy, isLost: true };
  const seen = ofNode.find(({ result }) => result.ok);
  return seen && { bastion: seen.through ?? seen.target.bastion, isLost: false };
}

/** Whether it is unknown if the node accepts logins. */
export function isUnknown({ result }: Observation): boolean {
  return result.ok ? result.login === 'unknown' : result.failure.reason === 'penalty';
}

/** Whether the check failed at a service or at a script of the operator, which says nothing about logins to the node. */
function failedAfterLogin({ probe, result }: Observation): boolean {
  if (result.ok) return false;
  const { phase, reason } = result.failure;
  const isOfScript = phase === 'exec' && reason !== 'protocol';
  return SERVICE_PHASES.has(phase) || (probe === OPERATORS_PROBE && isOfScript);
}

/** 1: another host key than the pinned one; 0: the pinned one; undefined: none was shown, or none is pinned. */
function sawHostKey(failure: Failure | undefined, hop: 'bastion' | 'node'): number | undefined {
  if (failure === undefined || failure.reason === 'auth') return 0;
  if (failure.reason === 'penalty') return undefined;
  if (failure.reason === 'forbidden') return hop === 'bastion' ? 0 : undefined;
  if (failure.reason === 'host-key') return 1;
  return hop === 'node' && failure.phase === 'exec' ? 0 : undefined;
}

export function groupByNode(observations: readonly Observation[]): Iterable<Observation[]> {
  return Map.groupBy(observations, ({ target }) => JSON.stringify([target.cluster, target.node])).values();
}

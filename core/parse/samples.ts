import { appendAll } from '../extremes.ts';
import type { BatchObservation, Failure, Labels, Observation, Sample } from '../model.ts';

/**
 * The samples of a batch, all at the time of its round. While its bastion fails nothing is said of its nodes that
 * did not answer: unknown, not down. Of a node that was reached by several checks, one that ran makes it up.
 */
export function samplesOf({ batch, bastion, observations }: BatchObservation): Sample[] {
  const timeMs = batch.roundMs;
  const hop = { bastion: batch.bastion, batch: String(batch.index) };
  const samples: Sample[] = [{ metric: 'bastion_up', labels: hop, timeMs, value: bastion.ok ? 1 : 0 }];
  const hopKey = sawHostKey(bastion.ok ? undefined : bastion.failure, 'bastion');
  if (hopKey !== undefined) {
    samples.push({ metric: 'bastion_host_key_mismatch', labels: hop, timeMs, value: hopKey });
  }

  for (const [labels, ofNode] of groupByNode(observations)) {
    const up = ofNode.some(({ result }) => result.ok);
    if (!up && !bastion.ok) continue;
    samples.push({ metric: 'up', labels, timeMs, value: up ? 1 : 0 });
    const keys = ofNode.map(({ result }) => sawHostKey(result.ok ? undefined : result.failure, 'node'));
    const key = keys.find((value) => value !== undefined);
    if (key !== undefined) samples.push({ metric: 'host_key_mismatch', labels, timeMs, value: key });
    for (const { check, durationMs, result } of ofNode) {
      if (!result.ok) continue;
      const value = durationMs / 1000;
      samples.push({ metric: 'probe_duration', labels: { ...labels, check }, timeMs, value });
      appendAll(samples, result.samples);
    }
  }
  return samples;
}

/** 1: another host key than the pinned one; 0: the pinned one; undefined: none was shown, or none is pinned. */
function sawHostKey(failure: Failure | undefined, hop: 'bastion' | 'node'): number | undefined {
  if (failure === undefined || failure.reason === 'auth') return 0;
  if (failure.reason === 'forbidden') return hop === 'bastion' ? 0 : undefined;
  if (failure.reason === 'host-key') return 1;
  return hop === 'node' && failure.phase === 'exec' ? 0 : undefined;
}

function groupByNode(observations: readonly Observation[]): Iterable<[Labels, Observation[]]> {
  const groups = new Map<string, [Labels, Observation[]]>();
  for (const observation of observations) {
    const { cluster, node, role } = observation.target;
    const key = JSON.stringify([cluster, node]);
    const group = groups.get(key);
    if (group) group[1].push(observation);
    else groups.set(key, [{ cluster, node, role }, [observation]]);
  }
  return groups.values();
}

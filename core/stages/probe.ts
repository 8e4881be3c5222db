import type { Batch } from '../model/batch.ts';
import type { BatchObservation } from '../model/observation.ts';
import { isUnknown } from '../parse/samples.ts';
import type { Clock, Logger, Meter, ProbeOptions, Prober } from '../ports.ts';

/** In one line of the log. */
const MOST_NAMES = 5;

/** Probes a batch, unless its time has passed: then it is dropped, and counted. */
export async function probe(
  batch: Batch,
  ports: { prober: Prober; clock: Clock; logger: Logger; meter: Meter },
  options: ProbeOptions = {},
): Promise<BatchObservation | undefined> {
  const { prober, clock, logger, meter } = ports;
  const startMs = clock.nowMs();
  const fields = { bastion: batch.bastion, batch: batch.index, round: new Date(batch.roundMs).toISOString() };
  if (startMs >= batch.expiresAtMs) {
    meter.count('batches_expired_total', { bastion: batch.bastion });
    logger.warn('batch dropped: its next round is due', fields);
    return undefined;
  }
  const observation = await prober.probe(batch, options);
  const failed = observation.observations.filter((o) => !o.result.ok).length;
  meter.count('observations_total', { outcome: 'ok' }, observation.observations.length - failed);
  meter.count('observations_total', { outcome: 'failed' }, failed);
  for (const { result, durationMs } of observation.observations) {
    const outcome = result.ok ? 'ok' : 'failed';
    meter.observe('node_probe_duration_seconds', durationMs / 1000, { outcome });
  }
  const unknown = observation.observations.filter(isUnknown);
  if (unknown.length > 0) {
    const names = unknown.slice(0, MOST_NAMES).map(({ target }) => `${target.cluster}/${target.node}`);
    logger.warn('nodes are unknown this round: their sshd refuses our address for a while', {
      ...fields,
      nodes: unknown.length,
      first: names.join(', '),
    });
  }
  const { bastion, ways = [{ bastion: batch.bastion, outcome: bastion }] } = observation;
  for (const { bastion: name, outcome } of ways) {
    if (outcome.ok) continue;
    const { reason, phase, detail } = outcome.failure;
    meter.count('bastion_failures_total', { bastion: name, reason });
    const message = bastion.ok
      ? 'bastion failed: its nodes have another one'
      : 'bastion failed: its nodes are unknown this round';
    logger.warn(message, { ...fields, bastion: name, reason, phase, detail });
  }
  logger.debug('batch probed', {
    ...fields,
    targets: batch.targets.length,
    failed,
    ms: clock.nowMs() - startMs,
  });
  return observation;
}

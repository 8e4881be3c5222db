import { ProbeError } from '../../ssh/failure.ts';
import type { Finding } from '../probe.ts';
import { isRefusal, reading, silenceOf } from '../service-probe.ts';
import { type Ask, healthOf, hiddenNote, oddNote } from './health.ts';
import type { Kept } from './kept.ts';
import { WITHOUT_ETCD } from './liveness.ts';

/** What is left of the check is at most what /readyz had. A server that takes longer is not ready for anybody. */
const LEAST_READY_MS = 1_000;

/**
 * What is known where /readyz gives no answer. A dead etcd lets it hang, so a server that spoke to us is asked what it
 * answers without etcd before it counts as down.
 */
export async function observeUnanswered(
  ask: Ask,
  error: ProbeError,
  { kept, hasCredential, leftMs }: { kept: Kept; hasCredential: boolean; leftMs: number },
): Promise<Finding> {
  const { lastFailures } = kept;
  if (isRefusal(error)) {
    const notes = [`it answers, and more is unknown: ${error.message}`];
    return { readings: [reading('apiserver_up', 1)], notes, isPartial: true, kept: { lastFailures } };
  }
  const live = error.failure.phase === 'request' ? await ask(WITHOUT_ETCD) : error;
  // It may come back as another version, so that is asked then.
  if (live instanceof ProbeError)
    return {
      readings: [reading('apiserver_up', 0)],
      notes: [error.message],
      isPartial: true,
      kept: { lastFailures },
      ...silenceOf(error),
    };
  const health = healthOf(live);
  const isKnown = error.failure.reason !== 'timeout' || leftMs >= LEAST_READY_MS;
  return {
    readings: [
      reading('apiserver_up', 1),
      ...(isKnown && health !== 'odd' ? [reading('apiserver_ready', 0)] : []),
      ...(health === 'ok' || health === 'failing'
        ? [reading('apiserver_live_without_etcd', health === 'ok' ? 1 : 0)]
        : []),
      ...(kept.version === undefined ? [] : [reading('apiserver_version', kept.version)]),
    ],
    notes: [
      `/readyz: ${error.message}`,
      ...(health === 'ok'
        ? [`${WITHOUT_ETCD} answers: the process is well, and may be waiting for etcd`]
        : []),
      ...(health === 'failing' ? [`${WITHOUT_ETCD} fails: not because of etcd alone`] : []),
      ...(health === 'odd' ? [oddNote(WITHOUT_ETCD, live)] : []),
      ...(health === 'hidden' ? hiddenNote([{ path: '/livez', status: live.status }], hasCredential) : []),
    ],
    isPartial: true,
    kept,
  };
}

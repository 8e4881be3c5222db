import type { Alert } from '../model/alert.ts';
import type { SeriesState } from '../model/checkpoint.ts';
import type { Transition } from '../model/transition.ts';
import type { AlertIdentity } from './identity.ts';
import type { LastEmitted } from './last-emitted.ts';
import { NO_DATA_UPS } from './no-data.ts';

/** The alert of a series that is not ok. */
export function openAlert(identity: AlertIdentity, end: SeriesState): Alert {
  const { status, reason, run, sinceMs = 0, firedAtMs, seenAtMs, value, lacking, lackingSinceMs } = end;
  return {
    ...identity,
    status,
    sinceMs,
    firedAtMs,
    clearedAtMs: status === 'firing' ? run?.firstMs : undefined,
    noDataSinceMs: lacking >= NO_DATA_UPS ? lackingSinceMs : undefined,
    reason,
    value,
    valueAtMs: value === undefined ? undefined : seenAtMs,
  };
}

/** The alert as its last transition left it; undefined where nothing changed. */
export function endedAlert(
  identity: AlertIdentity,
  lastEmitted: LastEmitted,
  transitions: readonly Transition[],
): Alert | undefined {
  const last = transitions.at(-1);
  if (!last) return undefined;
  const fired = transitions.findLast(({ kind }) => kind === 'firing');
  const resolved = last.kind === 'resolved';
  return {
    ...identity,
    status: 'ok',
    sinceMs: last.sinceMs,
    firedAtMs: resolved ? (fired?.atMs ?? lastEmitted.firedAtMs) : undefined,
    resolvedAtMs: resolved ? last.atMs : undefined,
    clearedAtMs: last.clearedAtMs,
    reason: last.reason,
    value: last.value,
  };
}

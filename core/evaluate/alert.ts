import type { Alert, Transition } from '../model.ts';
import type { AlertIdentity } from './identity.ts';
import type { SeriesState } from './model.ts';
import { NO_DATA_UPS } from './no-data.ts';
import type { Told } from './tell.ts';

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

/** The alert as its last transition left it; none when nothing changed. */
export function endedAlert(
  identity: AlertIdentity,
  told: Told,
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
    firedAtMs: resolved ? (fired?.atMs ?? told.firedAtMs) : undefined,
    resolvedAtMs: resolved ? last.atMs : undefined,
    clearedAtMs: last.clearedAtMs,
    reason: last.reason,
    value: last.value,
  };
}

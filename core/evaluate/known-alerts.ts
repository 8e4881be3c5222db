import { labelKey } from '../labels.ts';
import type { Alert } from '../model/alert.ts';
import type { OpenBefore, SeriesState } from '../model/checkpoint.ts';
import type { Labels } from '../model/labels.ts';
import type { Transition } from '../model/transition.ts';
import type { EvaluateInput } from './model.ts';

/** What the checkpoint and the stored alerts know of a label set. */
export interface Known {
  labels: Labels;
  state?: SeriesState;
  /** While the rule's first evaluation may be done again. */
  before?: OpenBefore;
  last?: Transition;
  stored?: Alert;
}

/** By `labelKey`. */
export function knownAlerts(input: Pick<EvaluateInput, 'checkpoint' | 'alerts'>): Map<string, Known> {
  const known = new Map<string, Known>();
  const at = (labels: Labels): Known => {
    const key = labelKey(labels);
    const entry = known.get(key) ?? { labels };
    known.set(key, entry);
    return entry;
  };
  for (const state of input.checkpoint?.series ?? []) at(state.labels).state = state;
  for (const before of input.checkpoint?.start?.open ?? []) at(before.labels).before = before;
  for (const last of input.checkpoint?.emitted ?? []) at(last.labels).last = last;
  for (const stored of input.alerts ?? []) at(stored.labels).stored = stored;
  return known;
}

/** Whether somebody may still believe that the alert is pending or firing. */
export function isOpen({ state, before, last, stored }: Known): boolean {
  if (stored) return true;
  if (last) return last.kind === 'pending' || last.kind === 'firing';
  return before !== undefined || (state !== undefined && state.status !== 'ok');
}

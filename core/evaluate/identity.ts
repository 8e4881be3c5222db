import { hashText } from '../hash.ts';
import { labelKey } from '../labels.ts';
import type { Labels, Rule, Transition } from '../model.ts';

export interface AlertIdentity {
  id: string;
  rule: string;
  labels: Labels;
}

/** An alert is a rule name and a label set; its id follows from both. `key` is the label set's `labelKey`. */
export function alertIdentity(rule: string, labels: Labels, key = labelKey(labels)): AlertIdentity {
  return { id: `${rule}-${hashText(key)}`, rule, labels };
}

/**
 * The id follows from alert, kind and times: a replay makes the same one, and a store skips what it has. `sinceMs` is
 * part of it because late samples can end another hold at the same time: that is another transition.
 */
export function makeTransition(
  alert: AlertIdentity,
  fields: Pick<Transition, 'kind' | 'atMs' | 'reason' | 'sinceMs' | 'clearedAtMs' | 'value'>,
): Transition {
  const id = `${alert.id}-${fields.kind}-${fields.sinceMs}-${fields.atMs}`;
  return { id, alertId: alert.id, rule: alert.rule, labels: alert.labels, ...fields };
}

/** Where a series belongs: one node of one cluster. Undefined: it belongs to no target, like `bastion_up`. */
export function placeOf(labels: Labels): string | undefined {
  const { cluster, node } = labels;
  return cluster === undefined || node === undefined ? undefined : `${cluster}\n${node}`;
}

/** Changes when a field changes that decides; texts, severity and inhibition do not. */
export function ruleHash(rule: Rule): string {
  const { metric, where, window, aggregate, condition, recoveryThreshold, forMs, keepFiringForMs, noData } =
    rule;
  const inFront = window || aggregate ? [[window, aggregate]] : [];
  const globs = Object.keys(where)
    .sort()
    .map((label) => [label, where[label]]);
  const bounds = [condition.kind, ...Object.entries(condition).sort(([a], [b]) => (a < b ? -1 : 1))];
  return hashText(
    JSON.stringify([metric, globs, bounds, recoveryThreshold, forMs, keepFiringForMs, noData, ...inFront]),
  );
}

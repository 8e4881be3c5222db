import { hashText } from '../hash.ts';
import { labelKey } from '../labels.ts';
import type { LabelGlobs, Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';

export interface AlertIdentity {
  id: string;
  rule: string;
  labels: Labels;
}

/** The id follows from the rule's name and the label set. `key` is the label set's `labelKey`. */
export function alertIdentity(rule: string, labels: Labels, key = labelKey(labels)): AlertIdentity {
  return { id: `${rule}-${hashText(key)}`, rule, labels };
}

/**
 * The id follows from alert, kind and times: a replay makes the same id, and a store skips a transition it has. `sinceMs`
 * is in it because late samples can end another hold at the same time: that is another transition.
 */
export function makeTransition(
  alert: AlertIdentity,
  fields: Pick<Transition, 'kind' | 'atMs' | 'reason' | 'sinceMs' | 'clearedAtMs' | 'value'>,
): Transition {
  const id = `${alert.id}-${fields.kind}-${fields.sinceMs}-${fields.atMs}`;
  return { id, alertId: alert.id, rule: alert.rule, labels: alert.labels, ...fields };
}

/** Names the node that a series is of. Undefined: it is of no node, like `bastion_up`. */
export function nodeKey(labels: Labels): string | undefined {
  const { cluster, node } = labels;
  return cluster === undefined || node === undefined ? undefined : `${cluster}\n${node}`;
}

/** Changes with every field that decides, and not with texts, severity or inhibition. */
export function ruleHash(rule: Rule): string {
  const { metric, over, where, whereNot, inventory, window, aggregate, condition } = rule;
  const { recoveryThreshold, forMs, keepFiringForMs, noData } = rule;
  // What a rule lacks adds nothing: a checkpoint of an older release must go on to fit.
  const more = [
    ...(window || aggregate ? [[window, aggregate]] : []),
    ...(whereNot ? [['whereNot', sortedGlobs(whereNot)]] : []),
    ...(over === undefined ? [] : [['over', over]]),
    ...(inventory
      ? [['inventory', sortedGlobs(inventory.where ?? {}), sortedGlobs(inventory.whereNot ?? {})]]
      : []),
  ];
  const bounds = [condition.kind, ...Object.entries(condition).sort(([a], [b]) => (a < b ? -1 : 1))];
  return hashText(
    JSON.stringify([
      metric,
      sortedGlobs(where),
      bounds,
      recoveryThreshold,
      forMs,
      keepFiringForMs,
      noData,
      ...more,
    ]),
  );
}

function sortedGlobs(globs: LabelGlobs) {
  return Object.keys(globs)
    .sort()
    .map((label) => [label, globs[label]]);
}

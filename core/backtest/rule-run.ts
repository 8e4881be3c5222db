import { evaluateRule } from '../evaluate/evaluate.ts';
import type { EvaluateInput } from '../evaluate/model.ts';
import type { Alert } from '../model/alert.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';
import { sameState } from '../stages/alerts.ts';
import { type InventoryLabels, withInventoryLabels } from '../stages/inventory-labels.ts';

/** One rule on its way through history, with what state would keep of it between two evaluations. */
export interface RuleRun {
  rule: Rule;
  checkpoint(): Checkpoint | undefined;
  /** Those that are not ok. */
  alerts(): readonly Alert[];
  /** `input` has the checkpoint and the alerts of this run. */
  evaluate(input: EvaluateInput): Transition[];
}

export function createRuleRun(rule: Rule, inventoryLabels: InventoryLabels): RuleRun {
  const open = new Map<string, Alert>();
  let checkpoint: Checkpoint | undefined;
  return {
    rule,
    checkpoint: () => checkpoint,
    alerts: () => [...open.values()],
    evaluate(input) {
      const result = evaluateRule(input);
      checkpoint = result.checkpoint;
      const byAlert = Map.groupBy(result.transitions, ({ alertId }) => alertId);
      const labelled = result.alerts.flatMap((alert) => {
        const known = open.get(alert.id);
        const emitted = byAlert.get(alert.id) ?? [];
        // State is not written for a newer value alone.
        if (emitted.length === 0 && known && sameState(known, alert)) return [];
        const own = withInventoryLabels(alert, emitted, known, inventoryLabels);
        if (alert.status === 'ok') open.delete(alert.id);
        else open.set(alert.id, own.alert);
        return own.transitions;
      });
      return labelled.sort((a, b) => a.atMs - b.atMs);
    },
  };
}

// Which checks measure what a rule compares: where none does any more its alerts end, and while they cannot see it, it is unknown.

import { isWithoutCluster } from './evaluate/alert-labels.ts';
import { isMember } from './evaluate/blind-rounds.ts';
import type { ExpectedTarget } from './evaluate/model.ts';
import { TARGET_LABELS } from './evaluate/range.ts';
import { measures } from './intervals.ts';
import type { Check } from './model/check.ts';
import type { Labels } from './model/labels.ts';
import type { Rule } from './model/rule.ts';
import { metricsOf } from './rule-query.ts';
import { isSelected } from './selection.ts';

/** Whether checks measure each metric of the rule for an alert with these labels; of a group, for any of its targets. */
export function createMeasured(
  rule: Rule,
  checks: readonly Check[],
  targets: readonly ExpectedTarget[],
): (labels: Labels) => boolean {
  const measuring = metricsOf(rule).map((metric) => checks.filter((check) => measures(check, metric)));
  const isMeasured = (labels: Labels) =>
    measuring.every((some) =>
      some.some(
        (check) => isSelected(check, labels) && (labels.check === undefined || labels.check === check.name),
      ),
    );
  return (labels) => {
    if (isWithoutCluster(rule)) return checks.length > 0;
    if (TARGET_LABELS.every((name) => labels[name] !== undefined)) return isMeasured(labels);
    return targets.some((target) => isMember(target, labels) && isMeasured({ ...target.labels, ...labels }));
  };
}

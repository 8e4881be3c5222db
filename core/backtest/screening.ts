import { breachTest } from '../evaluate/condition.ts';
import { nodeKey } from '../evaluate/identity.ts';
import { labelKey } from '../labels.ts';
import type { Condition, Rule } from '../model/rule.ts';
import type { Series } from '../model/sample.ts';
import type { RuleRun } from './rule-run.ts';

/** Series with their extremes, so that a rule need not read those that it could never fire on. */
export interface ScreenedSeries {
  series: readonly Series[];
  /** What an evaluation of this run needs of them: see `EvaluateInput.derived`. */
  for(run: RuleRun): readonly Series[];
}

export function screenSeries(series: readonly Series[]): ScreenedSeries {
  const screened = series.map((one) => {
    let [least, greatest] = [Infinity, -Infinity];
    for (const { value } of one.points) {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
    return { one, least, greatest, key: labelKey(one.labels), isOfNode: nodeKey(one.labels) !== undefined };
  });
  return {
    series,
    for(run) {
      if (run.rule.noData === 'alerting') return series;
      const mayBreach = breachWithin(run.rule.condition);
      const known = knownKeys(run);
      return screened
        .filter(
          ({ least, greatest, key, isOfNode }) => !isOfNode || mayBreach(least, greatest) || known.has(key),
        )
        .map(({ one }) => one);
    },
  };
}

/** Whether a value between the two may breach. */
function breachWithin(condition: Condition): (least: number, greatest: number) => boolean {
  if (condition.kind === 'equals')
    return (least, greatest) => least <= condition.value && condition.value <= greatest;
  const breaches = breachTest(condition satisfies Rule['condition']);
  return (least, greatest) => breaches(least) || breaches(greatest);
}

/** Label sets that the run has not forgotten. */
function knownKeys(run: RuleRun): ReadonlySet<string> {
  const { series = [], emitted = [], start } = run.checkpoint() ?? {};
  const known = [...series, ...emitted, ...(start?.open ?? []), ...run.alerts()];
  return new Set(known.map(({ labels }) => labelKey(labels)));
}

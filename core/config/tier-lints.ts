// Tiers of a rule in the wrong order.

import { type Rule, SEVERITIES } from '../model/rule.ts';
import { quoted } from '../text/suggestions.ts';
import { type Finding, warningAt } from './problem.ts';
import { type RuleInForce, writtenPath } from './rule-set.ts';

/** A tier that fires whenever a lower one does keeps that quiet for ever. */
export function* tierLints(rules: readonly RuleInForce[]): Generator<Finding> {
  const tiers = rules.filter(({ path, tier }) => path.length > 0 && tier !== undefined);
  for (const siblings of Map.groupBy(tiers, ({ path }) => JSON.stringify(path)).values()) {
    const rising = siblings.toSorted((a, b) => rank(a) - rank(b));
    for (const [i, lower] of rising.entries()) {
      const higher = rising.slice(i + 1).find((one) => isNoWorse(one.rule, lower.rule));
      if (!higher) continue;
      const field = [higher.rule.condition.kind];
      const path = writtenPath(higher, field) ?? writtenPath(lower, field);
      if (!path) continue;
      yield warningAt(
        path,
        `${quoted(higher.rule.name)} fires whenever ${quoted(lower.rule.name)} does, so that one is never sent`,
        'give the higher tier the worse threshold, or leave the lower one out',
      );
    }
  }
}

function rank({ tier }: RuleInForce): number {
  return tier === undefined ? -1 : SEVERITIES.indexOf(tier);
}

/** Whether all that satisfies `lower` for its duration satisfies `higher` too. */
function isNoWorse(higher: Rule, lower: Rule): boolean {
  const [a, b] = [higher.condition, lower.condition];
  if (higher.forMs > lower.forMs || JSON.stringify(higher.window) !== JSON.stringify(lower.window))
    return false;
  if (a.kind === 'above' && b.kind === 'above') return a.threshold <= b.threshold;
  return a.kind === 'below' && b.kind === 'below' && a.threshold >= b.threshold;
}

import { formatDuration } from '../duration.ts';
import type { Rule } from '../model/rule.ts';

/** The fields of a rule that decide, as people write them; globs on labels of the inventory, which no story has, are left out. */
export function storyRule(rule: Rule): Record<string, unknown> {
  const { metric, over, where, whereNot, window, aggregate, recoveryThreshold, noData } = rule;
  return {
    ...(over === undefined ? { metric } : { ratio: { of: metric, over } }),
    ...(Object.keys(where).length > 0 && { where }),
    ...(whereNot && { whereNot }),
    ...(window && {
      window: {
        last: formatDuration(window.lastMs),
        reduce: window.reduce,
        ...(window.aheadMs !== undefined && { in: formatDuration(window.aheadMs) }),
      },
    }),
    ...(aggregate && { aggregate }),
    ...conditionFields(rule.condition),
    ...(recoveryThreshold !== undefined && { recoveryThreshold }),
    for: formatDuration(rule.forMs),
    ...(rule.keepFiringForMs > 0 && { keepFiringFor: formatDuration(rule.keepFiringForMs) }),
    ...(noData !== 'keepLast' && { noData }),
  };
}

function conditionFields(condition: Rule['condition']): Record<string, unknown> {
  switch (condition.kind) {
    case 'above':
      return { above: condition.threshold };
    case 'below':
      return { below: condition.threshold };
    case 'outside':
      return { outside: [condition.low, condition.high] };
    case 'equals':
      return { equals: condition.value };
  }
}

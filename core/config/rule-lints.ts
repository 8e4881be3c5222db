// What a rule may say, and hardly means.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { formatNumber } from '../format.ts';
import { measureOf } from '../measure.ts';
import type { Rule } from '../model/rule.ts';
import { PLACEHOLDER, placeholderName, SUMMARY_FIELDS } from '../notify/summary.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { type Finding, type Path, warningAt } from './problem.ts';

type RulesWithPath = readonly { rule: Rule; path: Path }[];

export function ruleLints(rules: RulesWithPath): Finding[] {
  return [...placeholders(rules), ...fractions(rules)];
}

/** Names in the text of a rule that its alerts do not have: the message would show `–` there. */
function placeholders(rules: RulesWithPath): Finding[] {
  return rules.flatMap(({ rule: { summary = '', metric, aggregate }, path }) => {
    const group = findMetric(metric)?.group;
    if (path.length === 0 || group === undefined) return [];
    const known = [...(aggregate?.by ?? GROUP_LABELS[group]), ...SUMMARY_FIELDS];
    const texts = new Map([...summary.matchAll(PLACEHOLDER)].map(([text, inner = '']) => [text, inner]));
    return [...texts].flatMap(([text, inner]) => {
      const name = placeholderName(inner);
      if (name !== undefined && known.includes(name)) return [];
      const shown = name === undefined ? 'it as it is written' : '`–`';
      const placeholder = name ?? inner.replace(/[^\w-]+/g, '');
      return [
        warningAt(
          [...path, 'summary'],
          `unknown placeholder ${quoted(text)}: the message would show ${shown}`,
          choose(placeholder, known, 'possible here'),
        ),
      ];
    });
  });
}

/** Bounds of a ratio in percent that were hardly meant as such; an error rate may well be 0.1%. */
function fractions(rules: RulesWithPath): Finding[] {
  return rules.flatMap(({ rule, path }) => {
    if (path.length === 0 || rule.over === undefined || measureOf(rule).unit !== 'percent') return [];
    const { kind, ...bounds } = rule.condition;
    const meant = Object.values(bounds).find((bound) => bound > 0.5 && bound < 1);
    if (meant === undefined) return [];
    return [
      warningAt(
        [...path, kind],
        `a ratio of two metrics with one unit is in percent: this is ${meant}%`,
        `write ${formatNumber(meant * 100)} for ${formatNumber(meant * 100)}%`,
      ),
    ];
  });
}

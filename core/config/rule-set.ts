// The rules in force: those of the file, the defaults, or both.

import { findMetric } from '../catalogue.ts';
import type { Check } from '../model/check.ts';
import type { Rule } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { defaultRules } from './defaults.ts';
import { type Draft, textOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { labelsOf } from './matchers.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';

/** A rule and its path in the file, which is empty for a default rule. */
export interface RuleInForce {
  rule: Rule;
  path: Path;
}

/** A list replaces the defaults. `add` extends them, and `off` names those to leave out. */
export function rulesInForce(draft: Draft, checks: readonly Check[]): RuleInForce[] {
  const own = (draft.rules ?? []).flatMap(({ value, path }) => (value ? [{ rule: value, path }] : []));
  return [...keptDefaults(draft, checks).map((rule) => ({ rule, path: [] })), ...own];
}

/** Names of the rules in force, also of invalid ones. */
export function ruleNames(draft: Draft, checks: readonly Check[]): string[] {
  const own = (draft.rules ?? []).flatMap(({ raw }) => textOf(raw, 'name') ?? []);
  return [...keptDefaults(draft, checks).map(({ name }) => name), ...own];
}

function keptDefaults(draft: Draft, checks: readonly Check[]): Rule[] {
  if (draft.rules !== undefined && draft.rulesOff === undefined) return [];
  const off = new Set((draft.rulesOff ?? []).map(({ raw }) => raw));
  return defaultRules(checks)
    .filter(({ name }) => !off.has(name))
    .map((rule) => ({ ...rule, inhibitedBy: rule.inhibitedBy.filter((name) => !off.has(name)) }));
}

/** Reports names that clash with the defaults, and defaults that a list replaces. */
export function checkDefaults(draft: Draft, checks: readonly Check[]): Finding[] {
  const names = defaultRules(checks).map(({ name }) => name);
  const unknown = (draft.rulesOff ?? []).flatMap(({ raw, path, value }) =>
    value === undefined || names.includes(value)
      ? []
      : [errorAt(path, `there is no default rule ${quoted(String(raw))}`, choose(value, names, 'there are'))],
  );
  if (draft.rulesOff === undefined) return fallenAway(draft, checks);
  const kept = new Set(keptDefaults(draft, checks).map(({ name }) => name));
  const twice = (draft.rules ?? []).flatMap(({ raw, path }) => {
    const name = textOf(raw, 'name') ?? '';
    if (!kept.has(name)) return [];
    const how = `rename this one, or take the default out: \`off: [${name}]\``;
    return [errorAt([...path, 'name'], `a default rule is called ${quoted(name)}`, how)];
  });
  return [...unknown, ...twice];
}

/** Defaults that a list replaces without a rule on the same metric and the whole fleet. */
function fallenAway({ rules }: Draft, checks: readonly Check[]): Finding[] {
  if (!rules || rules.length === 0) return [];
  const whole = new Set(rules.flatMap(({ raw }) => replacedBy(raw)));
  const gone = defaultRules(checks).filter(({ name, metric }) => !whole.has(name) && !whole.has(metric));
  if (gone.length === 0) return [];
  const what = gone.length === 1 ? 'default rule' : 'default rules';
  const named = new Set(rules.map(({ raw }) => textOf(raw, 'metric')));
  const narrow = gone.flatMap(({ name, metric }) => (named.has(metric) ? [quoted(name)] : []));
  const less = narrow.length === 0 ? '' : `; what it has for ${narrow.join(', ')} is narrower`;
  return [
    {
      ...warningAt(
        ['rules'],
        `this list replaces the ${what} ${gone.map(({ name }) => quoted(name)).join(', ')}${less}`,
        'write `rules: { add: [ … ] }` to keep the defaults; `off: [name]` beside it leaves some out',
      ),
      at: 'key',
    },
  ];
}

/** The metric of a rule on the whole fleet. Of a rule with a misspelt metric, which has a finding already, its name. */
function replacedBy(raw: unknown): string[] {
  const metric = textOf(raw, 'metric');
  if (metric === undefined) return [];
  if (!findMetric(metric)) return [textOf(raw, 'name') ?? ''];
  return ['where', 'whereNot'].some((key) => labelsOf(valueAt(raw, key)).length > 0) ? [] : [metric];
}

// The rules that the pipeline evaluates: those of the file, and the default ones that it keeps.

import { findMetric } from '../catalogue.ts';
import type { Check } from '../model/check.ts';
import { type Rule, SEVERITIES, type Severity } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { defaultRules, defaultRuleTexts } from './defaults.ts';
import { type Draft, textOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { labelsOf } from './matchers.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';
import { changedDefaults, type DefaultRule, unknownChanges } from './rule-changes.ts';
import { isMeant, madeNames, takenNames, tierName } from './rule-names.ts';

/** A rule, with path and data of what the file writes about it. The path of a default rule is empty, unless `change` names it. */
export interface RuleInForce {
  rule: Rule;
  path: Path;
  raw: unknown;
  /** Its tier in `raw`. */
  tier?: Severity;
}

/** A list replaces the defaults. `add` extends them, `change` changes some, and `off` names those to leave out. */
export function rulesInForce(draft: Draft, checks: readonly Check[]): RuleInForce[] {
  const own = (draft.rules ?? []).map(({ value, path, raw }) => ({
    rules: value ?? [],
    path,
    raw,
    text: raw,
  }));
  return withTiers(
    [...keptDefaults(draft, checks), ...own].flatMap(({ rules, path, raw, text }) =>
      rules.map((rule) => {
        const tier = SEVERITIES.find((one) => rule.name === tierName(textOf(text, 'name') ?? '', one));
        return { rule, path, raw, ...(tier && { tier }) };
      }),
    ),
  );
}

/** The path in the file of a field: a tier has its own, or that of its rule. Undefined: the file does not write it. */
export function writtenPath({ path, raw, tier }: RuleInForce, field: Path): Path | undefined {
  const [key = ''] = field;
  const isWritten = (within: Path) => [...within, key].reduce(valueAt, raw) !== undefined;
  if (tier && isWritten(['tiers', tier])) return [...path, 'tiers', tier, ...field];
  return isWritten([]) ? [...path, ...field] : undefined;
}

export interface RuleNames {
  /** Names that `rule` of an alert may have. */
  made: readonly string[];
  /** Names that `inhibitedBy` and `supersededBy` may have: of a rule with tiers its own name, too. */
  taken: readonly string[];
}

/** Names of the rules in force, also of invalid ones. */
export function ruleNames(draft: Draft, checks: readonly Check[]): RuleNames {
  const own = (draft.rules ?? []).map(({ raw }) => raw);
  const kept = keptDefaults(draft, checks);
  const made = kept.flatMap(({ rules }) => rules.map(({ name }) => name));
  const taken = kept.map(({ text }) => text.name);
  return {
    made: [...made, ...own.flatMap(madeNames)],
    taken: [...new Set([...made, ...taken, ...own.flatMap(takenNames)])],
  };
}

/** A reference may name a rule with tiers, and then means each of them. A default rule may name one that is not in force. */
function withTiers(rules: readonly RuleInForce[]): RuleInForce[] {
  const names = new Set(rules.map(({ rule }) => rule.name));
  const expand = (name: string): string[] => {
    if (names.has(name)) return [name];
    return SEVERITIES.map((tier) => tierName(name, tier)).filter((tier) => names.has(tier));
  };
  const expandAll = (all: readonly string[]) => [...new Set(all.flatMap(expand))];
  return rules.map(({ rule: { supersededBy = [], ...rule }, ...entry }) => {
    const worse = expandAll(supersededBy);
    const inhibitedBy = expandAll(rule.inhibitedBy);
    return { ...entry, rule: { ...rule, inhibitedBy, ...(worse.length > 0 && { supersededBy: worse }) } };
  });
}

/** The default rules with what is left of their tiers. */
function keptDefaults(draft: Draft, checks: readonly Check[]): DefaultRule[] {
  if (draft.rules !== undefined && draft.rulesOff === undefined) return [];
  const off = [
    ...(draft.rulesOff ?? []).map(({ raw }) => String(raw)),
    ...replacements(draft, checks).map(({ text }) => text.name),
  ];
  const isOn = (rule: string) => !off.some((name) => isMeant(name, rule));
  return changedDefaults(draft, checks)
    .filter(({ unmeasured }) => unmeasured === undefined)
    .map((one) => ({ ...one, rules: one.rules.filter(({ name }) => isOn(name)).map(remaining) }))
    .filter(({ rules }) => rules.length > 0);

  function remaining({ supersededBy = [], ...rule }: Rule): Rule {
    const worse = supersededBy.filter(isOn);
    const inhibitedBy = rule.inhibitedBy.filter(isOn);
    return { ...rule, inhibitedBy, ...(worse.length > 0 && { supersededBy: worse }) };
  }
}

/** Reports names that clash with the defaults, and defaults that a list replaces. */
export function checkDefaults(draft: Draft, checks: readonly Check[]): Finding[] {
  if (draft.rulesOff === undefined) return fallenAway(draft, checks);
  return [
    ...unknownOff(draft, checks),
    ...unknownChanges(draft, checks),
    ...changedDefaults(draft, checks).flatMap(({ findings }) => findings),
    ...idleChanges(draft, checks),
    ...takenByDefaults(draft, checks),
  ];
}

function unknownOff(draft: Draft, checks: readonly Check[]): Finding[] {
  const names = changedDefaults(draft, checks).flatMap(({ text }) => takenNames(text));
  return (draft.rulesOff ?? []).flatMap(({ path, value }) => {
    if (value === undefined || names.includes(value)) return [];
    return [errorAt(path, `there is no default rule ${quoted(value)}`, choose(value, names, 'there are'))];
  });
}

function idleChanges(draft: Draft, checks: readonly Check[]): Finding[] {
  const off = new Set((draft.rulesOff ?? []).map(({ raw }) => raw));
  const names = new Set(defaultRuleTexts(checks).map(({ name }) => name));
  const idle = draft.rulesChange
    .filter(({ name }) => off.has(name) && names.has(name))
    .map(({ name, path }) =>
      warningAt(path, `this changes nothing: ${quoted(name)} is off`, 'take it out here or under `off`'),
    );
  const waiting = changedDefaults(draft, checks)
    .filter(({ path, text, unmeasured }) => path.length > 0 && unmeasured && !off.has(text.name))
    .map(({ path, text, unmeasured = '' }) => {
      const message = `${quoted(text.name)} is not in force: no check measures ${quoted(unmeasured)}`;
      const probes = findMetric(unmeasured)?.probes?.map(quoted).join(' or ');
      return warningAt(path, message, `add a check of kind ${probes ?? 'your choice'}, or take this out`);
    });
  return [...idle, ...waiting].map((finding) => ({ ...finding, at: 'key' as const }));
}

/**
 * Default rules that are not off, and whose name an added rule has: that one takes its place, as a release may bring a default
 * rule under a name that a file uses already, and must not keep the program from starting.
 */
function replacements(draft: Draft, checks: readonly Check[]) {
  const off = (draft.rulesOff ?? []).map(({ raw }) => String(raw));
  const defaults = changedDefaults(draft, checks).filter(
    ({ text, unmeasured }) => unmeasured === undefined && !off.includes(text.name),
  );
  return (draft.rules ?? []).flatMap(({ raw, path }) => {
    const mine = takenNames(raw);
    return defaults
      .filter(({ text, rules }) =>
        [text, ...rules].some(({ name }) => mine.includes(name) && !off.includes(name)),
      )
      .map(({ text }) => ({ text, path }));
  });
}

function takenByDefaults(draft: Draft, checks: readonly Check[]): Finding[] {
  return replacements(draft, checks).map(({ text, path }) =>
    warningAt(
      [...path, 'name'],
      `this takes the place of the default rule ${quoted(text.name)}`,
      `write \`off: [${text.name}]\` too if that is meant; else rename it, or change fields of the default under \`change\``,
    ),
  );
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

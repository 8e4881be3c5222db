// Default rules with the fields that `change` sets.

import type { Check } from '../model/check.ts';
import { type Rule, SEVERITIES } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import type { RuleText } from './default-rules/rule-text.ts';
import { defaultRuleTexts, unmeasuredMetric } from './defaults.ts';
import type { Draft } from './draft.ts';
import { isData, valueAt } from './fields.ts';
import { NO_TEXT, splitMessage } from './issues.ts';
import { errorAt, type Finding, formatPath, type Path, warningAt } from './problem.ts';
import { CONDITIONS } from './rule-check.ts';
import { tieredRuleSchema } from './rule-schema.ts';

/** A default rule that is in force or would be, changed or not. */
export interface DefaultRule {
  text: RuleText;
  /** One for each tier. */
  rules: readonly Rule[];
  /** Path and data of its change in the file; without one the path is empty. */
  path: Path;
  raw: unknown;
  /** A metric of it that no check measures: it is not in force. */
  unmeasured: string | undefined;
  /** What is wrong with the change; `rules` are then those without it. */
  findings: readonly Finding[];
}

export function changedDefaults(
  { rulesChange, runbooks }: Pick<Draft, 'rulesChange' | 'runbooks'>,
  checks: readonly Check[],
): DefaultRule[] {
  return defaultRuleTexts(checks).map((plain): DefaultRule => {
    const runbook = runbooks && { runbook: `${runbooks.replace(/\/+$/, '')}/${plain.name}.md` };
    const text = { ...plain, ...runbook };
    const change = rulesChange.find(({ name }) => name === text.name);
    const rules = tieredRuleSchema.parse(text);
    const unmeasured = unmeasuredMetric(text, checks);
    const unchanged = { text, rules, path: [], raw: text, unmeasured, findings: [] };
    if (!change?.value) return unchanged;
    const { path, raw } = change;
    const merged = mergeText(text, raw);
    const read = tieredRuleSchema.safeParse(merged, NO_TEXT);
    const changed = { text: merged, path, raw, unmeasured: unmeasuredMetric(merged, checks), findings: [] };
    if (read.success) return { ...changed, rules: read.data, findings: overriddenFields(merged, raw, path) };
    const findings = read.error.issues.map((issue) =>
      findingOf(issue.message, issue.path.map(pathPart), { path, raw, merged }),
    );
    return { ...unchanged, findings };
  });
}

/** Reports changes of rules that are no default ones. */
export function* unknownChanges(
  { rulesChange }: Pick<Draft, 'rulesChange'>,
  checks: readonly Check[],
): Generator<Finding> {
  const names = defaultRuleTexts(checks).map(({ name }) => name);
  for (const { name, path } of rulesChange.filter((change) => !names.includes(change.name))) {
    const message = `there is no default rule ${quoted(name)}`;
    const [, rule = '', tier = ''] = /^(.+)\.(\w+)$/.exec(name) ?? [];
    const isTier = names.includes(rule) && (SEVERITIES as readonly string[]).includes(tier);
    const how = isTier ? `write \`${rule}: { tiers: { ${tier}: … } }\`` : choose(name, names, 'there are');
    yield { ...errorAt(path, message, how), at: 'key' };
  }
}

/** Only what is written changes. A condition replaces the one that is there. */
function mergeText<T extends Readonly<Record<string, unknown>>>(text: T, change: unknown): T {
  const written = isData(change) ? change : {};
  const isOver = CONDITIONS.some((name) => name in written);
  const isLeft = (field: string) => !isOver || !(CONDITIONS as readonly string[]).includes(field);
  const merged = Object.fromEntries(Object.entries(text).filter(([field]) => isLeft(field)));
  for (const [field, value] of Object.entries(written)) {
    const before = merged[field];
    merged[field] = isData(value) && isData(before) ? mergeText(before, value) : value;
  }
  return merged as T;
}

/** Fields of a rule that each of its tiers has too, so that the change of the rule's own has no effect. */
function overriddenFields(merged: RuleText, raw: unknown, path: Path): Finding[] {
  const tiers = Object.values(merged.tiers ?? {});
  if (tiers.length === 0) return [];
  const [tier = ''] = Object.keys(merged.tiers ?? {});
  const alike = (field: string) =>
    (CONDITIONS as readonly string[]).includes(field) ? (CONDITIONS as readonly string[]) : [field];
  return Object.keys(isData(raw) ? raw : {})
    .filter((field) => tiers.every((one) => alike(field).some((name) => valueAt(one, name) !== undefined)))
    .map((field) => ({
      ...warningAt(
        [...path, field],
        `this changes nothing: each tier of ${quoted(merged.name)} has its own`,
        `write \`tiers: { ${tier}: { ${field}: … } }\``,
      ),
      at: 'key' as const,
    }));
}

/** A field that the change does not write, but that no longer fits, is named with its value. */
function findingOf(
  text: string,
  path: Path,
  { path: at, raw, merged }: { path: Path; raw: unknown; merged: RuleText },
): Finding {
  const [message = '', suggestion] = splitMessage(text);
  const value = path.reduce(valueAt, merged as unknown);
  if (path.reduce(valueAt, raw) !== undefined || value === undefined || isData(value))
    return errorAt([...at, ...path], message, suggestion);
  const kept = quoted(`${formatPath(path)}: ${value}`);
  return errorAt(
    [...at, ...path],
    `${kept} of the default rule no longer fits: ${message}`,
    suggestion ?? 'change it too',
  );
}

function pathPart(part: PropertyKey): string | number {
  return /^\d+$/.test(String(part)) ? Number(part) : String(part);
}

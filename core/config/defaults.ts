import { findMetric } from '../catalogue.ts';
import type { Check } from '../model/check.ts';
import type { Route } from '../model/route.ts';
import type { Rule } from '../model/rule.ts';
import { APISERVER_RULES } from './default-rules/apiserver.ts';
import { CERTIFICATE_RULES } from './default-rules/certificates.ts';
import { ETCD_RULES } from './default-rules/etcd.ts';
import { nodeRules } from './default-rules/nodes.ts';
import type { RuleText } from './default-rules/rule-text.ts';
import { valueAt } from './fields.ts';
import { tieredRuleSchema } from './rule-schema.ts';
import { checkSchema, routeSchema } from './schema.ts';

const { name, every, where, maxNewLabelSets } = checkSchema.parse({ name: 'usage' });

/** The checks of a file without `checks`. */
export const DEFAULT_CHECKS: readonly Check[] = [
  { name, probe: 'usage', everyMs: every, where, maxNewLabelSets, options: {} },
];

/** All default rules, as people would write them. */
export function defaultRuleTexts(checks: readonly Check[]): RuleText[] {
  const everyMs = Math.min(...checks.map((check) => check.everyMs), 86_400_000);
  return [...nodeRules(everyMs), ...APISERVER_RULES, ...ETCD_RULES, ...CERTIFICATE_RULES];
}

/** The metric of a default rule that no check measures: the rule is not in force, and no query is made for it. */
export function unmeasuredMetric(text: RuleText, checks: readonly Check[]): string | undefined {
  const metrics = [text.metric, valueAt(text.ratio, 'of'), valueAt(text.ratio, 'over')];
  return metrics
    .flatMap((one) => (typeof one === 'string' ? [one] : []))
    .find((one) => !isMeasured(one, checks));
}

function isMeasured(metric: string, checks: readonly Check[]): boolean {
  const { probes } = findMetric(metric) ?? {};
  // The success of `usage` is `up`.
  if (metric === 'probe_success') return checks.some(({ probe }) => probe !== 'usage');
  return !probes || checks.some(({ probe }) => probes.includes(probe));
}

/** The default rules that are in force with these checks. */
export function defaultRules(checks: readonly Check[]): Rule[] {
  return defaultRuleTexts(checks)
    .filter((text) => unmeasuredMetric(text, checks) === undefined)
    .flatMap((text) => tieredRuleSchema.parse(text));
}

/** The default rules that are not in force with these checks: stories may still name them. */
export function idleDefaultRules(checks: readonly Check[]): Rule[] {
  return defaultRuleTexts(checks)
    .filter((text) => unmeasuredMetric(text, checks) !== undefined)
    .flatMap((text) => tieredRuleSchema.parse(text));
}

/** The route of a file without `routes` sends every alert to all channels. */
export function defaultRoutes(channels: readonly { name: string }[]): Route[] {
  const names = channels.map((channel) => channel.name);
  return names.length === 0 ? [] : [routeSchema.parse({ name: 'default', channels: names })];
}

import { formatDuration } from '../duration.ts';
import type { Check } from '../model/check.ts';
import type { Route } from '../model/route.ts';
import type { Rule } from '../model/rule.ts';
import { tieredRuleSchema } from './rule-schema.ts';
import { checkSchema, routeSchema } from './schema.ts';

const { name, every, where, maxNewLabelSets } = checkSchema.parse({ name: 'usage' });

/** The checks of a file without `checks`. */
export const DEFAULT_CHECKS: readonly Check[] = [
  { name, probe: 'usage', everyMs: every, where, maxNewLabelSets, options: {} },
];

/** A rule as a file writes it. */
export type RuleText = Readonly<Record<string, unknown>> & { name: string };

/**
 * The rules of a file without `rules`, as people would write them. Thresholds follow the kubernetes mixins, holds are shorter;
 * how long `bastion-lost` holds depends on the interval of the checks.
 */
export function defaultRuleTexts(checks: readonly Check[]): RuleText[] {
  const everyMs = Math.min(...checks.map((check) => check.everyMs), 86_400_000);
  return [
    {
      name: 'node-down',
      title: 'Node down',
      metric: 'up',
      below: 1,
      for: '3m',
      severity: 'critical',
      inhibitedBy: ['host-key-changed'],
      summary: '{{node}} has not let us in for {{held}}',
    },
    {
      name: 'memory',
      title: 'Memory usage',
      metric: 'mem_usage',
      above: 90,
      recoveryThreshold: 85,
      for: '10m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: '{{node}} has used {{value}} of its memory, over {{threshold}} for {{held}}',
    },
    {
      name: 'disk',
      title: 'Disk usage',
      metric: 'disk_usage',
      above: 90,
      for: '10m',
      severity: 'warning',
      inhibitedBy: ['node-down'],
      summary: '{{mount}} on {{node}} is {{value}} full, over {{threshold}} for {{held}}',
    },
    {
      name: 'disk-full',
      title: 'Disk nearly full',
      metric: 'disk_usage',
      above: 97,
      for: '2m',
      severity: 'critical',
      inhibitedBy: ['node-down'],
      summary: '{{mount}} on {{node}} is {{value}} full',
    },
    {
      name: 'disk-read-only',
      title: 'Disk turned read-only',
      metric: 'disk_read_only',
      above: 0,
      for: '0s',
      severity: 'critical',
      inhibitedBy: ['node-down'],
      summary: '{{mount}} on {{node}} ({{device}}) was made read-only by the kernel, after an error',
    },
    {
      // It fires when two rounds in a row reach no node: the hold starts with the first.
      name: 'bastion-lost',
      title: 'Bastion lost',
      metric: 'bastion_up',
      aggregate: { by: ['bastion'], op: 'max' },
      below: 1,
      for: formatDuration(everyMs),
      severity: 'critical',
      summary: 'nothing gets through bastion {{bastion}}; the nodes behind it are unknown',
    },
    {
      // While a node has too many label sets, some rounds drop none; such a pause does not resolve the alert.
      name: 'label-sets-dropped',
      title: 'Too many label sets',
      metric: 'label_sets_dropped',
      above: 0,
      for: '0s',
      keepFiringFor: '15m',
      severity: 'warning',
      summary:
        '{{node}} shows {{value}} mounts, interfaces or disks more than it may newly bring in an hour; these are not watched',
    },
    {
      name: 'host-key-changed',
      title: 'Host key changed',
      metric: 'host_key_mismatch',
      above: 0,
      for: '0s',
      severity: 'critical',
      summary: '{{node}} shows another host key than the pinned one and was refused',
    },
    {
      name: 'bastion-host-key-changed',
      title: 'Bastion host key changed',
      metric: 'bastion_host_key_mismatch',
      above: 0,
      for: '0s',
      severity: 'critical',
      summary: 'bastion {{bastion}} shows another host key than the pinned one and was refused',
    },
  ];
}

/** The default rules for these checks. */
export function defaultRules(checks: readonly Check[]): Rule[] {
  return defaultRuleTexts(checks).flatMap((text) => tieredRuleSchema.parse(text));
}

/** The route of a file without `routes` sends every alert to all channels. */
export function defaultRoutes(channels: readonly { name: string }[]): Route[] {
  const names = channels.map((channel) => channel.name);
  return names.length === 0 ? [] : [routeSchema.parse({ name: 'default', channels: names })];
}

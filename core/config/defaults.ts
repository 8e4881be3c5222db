import type { Check, Rule } from '../model.ts';
import { formatDuration } from './duration.ts';
import { ruleSchema } from './rule-schema.ts';
import type { Route } from './types.ts';

/** Without `checks`. */
export const DEFAULT_CHECKS: readonly Check[] = [
  { name: 'usage', probe: 'usage', everyMs: 60_000, where: {}, options: {} },
];

/** Without `rules`, as they would be written. Thresholds follow the kubernetes mixins, holds are shorter. */
export function defaultRuleTexts(everyMs: number): Record<string, unknown>[] {
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
      // Two rounds of one check without a batch through: the first of them starts the run.
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

/** The default rules for checks that run as often as that. */
export function defaultRules(checks: readonly Check[]): Rule[] {
  const everyMs = Math.min(...checks.map((check) => check.everyMs), 86_400_000);
  return defaultRuleTexts(everyMs).map((text) => ruleSchema.parse(text));
}

/** Without `routes`: everything to all channels. */
export function defaultRoutes(channels: readonly { name: string }[]): Route[] {
  if (channels.length === 0) return [];
  return [
    {
      name: 'default',
      match: {},
      channels: channels.map(({ name }) => name),
      continue: false,
      groupBy: ['rule', 'cluster'],
      groupWaitMs: 0,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 4 * 3_600_000,
      resolvedEarly: true,
    },
  ];
}

// Names of rules. A rule `etcd-fsync` with tiers makes the rules `etcd-fsync.warning` and `etcd-fsync.critical`.

import { SEVERITIES } from '../model/rule.ts';
import { isData, valueAt } from './fields.ts';

/** `etcd-fsync.critical` */
export function tierName(rule: string, tier: string): string {
  return `${rule}.${tier}`;
}

/** Names of the rules that a written rule makes, also of an invalid one. */
export function madeNames(raw: unknown): string[] {
  const name = valueAt(raw, 'name');
  const tiers = valueAt(raw, 'tiers');
  if (typeof name !== 'string') return [];
  if (!isData(tiers)) return [name];
  return SEVERITIES.filter((tier) => tier in tiers).map((tier) => tierName(name, tier));
}

/** The name of a written rule, and those of the rules that it makes: nothing else may be called so. */
export function takenNames(raw: unknown): string[] {
  const name = valueAt(raw, 'name');
  return typeof name === 'string' ? [...new Set([name, ...madeNames(raw)])] : [];
}

/** Whether a name means a rule: its own name, or that of the rule whose tier it is. */
export function isMeant(name: string, rule: string): boolean {
  return rule === name || SEVERITIES.some((tier) => rule === tierName(name, tier));
}

// How far apart the samples of a series are: the checks that measure its metric say so. What is derived from it: for how long
// a sample is current (current.ts), what a hold and a window expect, when a series lacks data.

import { findMetric } from './catalogue.ts';
import { isWithoutCluster } from './evaluate/alert-labels.ts';
import type { Check } from './model/check.ts';
import type { Labels } from './model/labels.ts';
import type { Rule } from './model/rule.ts';
import type { Target } from './model/target.ts';
import { greatestOf, leastOf } from './numbers/extremes.ts';
import { metricsOf } from './rule-query.ts';
import { isSelected } from './selection.ts';

/** Where nothing is checked. */
const NO_CHECKS_MS = 60_000;

type CheckInterval = Pick<Check, 'name' | 'probe' | 'everyMs' | 'where' | 'whereNot' | 'withoutLogin'>;
type NodeBehind = Pick<Target, 'cluster' | 'node' | 'role' | 'bastion'>;

export interface Intervals {
  /**
   * The interval of one series. Of several checks that measure the metric on its node the longest counts: a check that
   * alone sees the series must not look as if it missed most of its rounds.
   */
  of(metric: string, labels: Labels): number;
  /** The longest interval of a metric on these targets; of all where none of them is measured. */
  longest(metric: string, targets: readonly { labels: Labels }[]): number;
  /** Whether all series of the metric have one interval. */
  isUniform(metric: string): boolean;
}

/** @param targets show which nodes a bastion has; without them a bastion has the interval that no node exceeds */
export function createIntervals(
  checks: readonly CheckInterval[],
  targets: readonly NodeBehind[] = [],
): Intervals {
  const measuring = new Map<string, readonly CheckInterval[]>();
  const ofBastions = new Map<string, number>();

  /** The checks whose rounds have the metric; all where none of them is known to. */
  function checksOf(metric: string): readonly CheckInterval[] {
    const known = measuring.get(metric);
    if (known) return known;
    const found = checks.filter((check) => measures(check, metric));
    const some = found.length > 0 ? found : checks;
    measuring.set(metric, some);
    return some;
  }

  function ofBastion(name: string): number | undefined {
    const known = ofBastions.get(name);
    if (known !== undefined) return known;
    const behind = targets.filter(({ bastion }) => bastion === name);
    // Nodes with other checks are in other batches, each with a series of its own.
    const all = behind.map(({ cluster, node, role }) => shortestOn(checks, { cluster, node, role }));
    const longest = greatestOf(all.filter((ms) => ms !== undefined));
    if (!Number.isFinite(longest)) return undefined;
    ofBastions.set(name, longest);
    return longest;
  }

  const intervals: Intervals = {
    of(metric, labels) {
      if (isOfFleet(metric)) return shortestOf(checks);
      const mine = checksOf(metric);
      const named = labels.check === undefined ? undefined : checks.find(({ name }) => name === labels.check);
      if (named) return named.everyMs;
      if (isOfRounds(metric)) {
        const own = labels.bastion === undefined ? shortestOn(mine, labels) : ofBastion(labels.bastion);
        return own ?? roundsEverywhere(mine);
      }
      return longestOf(mine.filter((check) => isSelected(check, labels))) ?? longestOf(mine) ?? NO_CHECKS_MS;
    },
    longest(metric, expected) {
      if (isOfFleet(metric)) return shortestOf(checks);
      const mine = checksOf(metric);
      if (intervals.isUniform(metric)) return longestOf(mine) ?? NO_CHECKS_MS;
      if (isOfRounds(metric)) {
        const names =
          findMetric(metric)?.group === 'bastion'
            ? [...new Set(targets.map(({ bastion }) => bastion))].map((bastion) => ({ labels: { bastion } }))
            : expected;
        const longest = greatestOf(names.map(({ labels }) => intervals.of(metric, labels)));
        return Number.isFinite(longest) ? longest : roundsEverywhere(mine);
      }
      const on = mine.filter((check) => expected.some(({ labels }) => isSelected(check, labels)));
      return longestOf(on) ?? longestOf(mine) ?? NO_CHECKS_MS;
    },
    isUniform: (metric) =>
      isOfFleet(metric) || new Set(checksOf(metric).map(({ everyMs }) => everyMs)).size <= 1,
  };
  return intervals;
}

/** The intervals that an evaluation of the rule works with; `expected` are the targets that it selects. */
export function ruleIntervals(
  intervals: Intervals,
  rule: Pick<Rule, 'metric' | 'over'>,
  expected: readonly { labels: Labels }[],
): { intervalMs: number; intervalOf?: Intervals['of'] } {
  const metrics = metricsOf(rule);
  const intervalMs = greatestOf(metrics.map((metric) => intervals.longest(metric, expected)));
  const isUniform = metrics.every(
    (metric) => intervals.isUniform(metric) && intervals.longest(metric, expected) === intervalMs,
  );
  return { intervalMs, ...(!isUniform && { intervalOf: intervals.of }) };
}

/** Whether a check of this kind measures the metric. */
export function measures(check: Pick<Check, 'probe' | 'withoutLogin'>, metric: string): boolean {
  const { group, probes } = findMetric(metric) ?? {};
  if (probes) return probes.includes(check.probe);
  return group !== 'node' || !check.withoutLogin;
}

/** Whether each round writes it of a node or bastion, whichever checks ran. */
function isOfRounds(metric: string): boolean {
  const { group, probes } = findMetric(metric) ?? {};
  return probes === undefined && (group === 'node' || group === 'bastion');
}

/** Whether each round writes it about the whole fleet. */
function isOfFleet(metric: string): boolean {
  return isWithoutCluster({ metric }) && findMetric(metric)?.group !== 'bastion';
}

function shortestOf(checks: readonly CheckInterval[]): number {
  const shortest = leastOf(checks.map(({ everyMs }) => everyMs));
  return Number.isFinite(shortest) ? shortest : NO_CHECKS_MS;
}

function shortestOn(checks: readonly CheckInterval[], labels: Labels): number | undefined {
  const shortest = leastOf(checks.filter((check) => isSelected(check, labels)).map(({ everyMs }) => everyMs));
  return Number.isFinite(shortest) ? shortest : undefined;
}

/** Rounds of no node are further apart than those of the checks that every node has. */
function roundsEverywhere(checks: readonly CheckInterval[]): number {
  const everywhere = checks.filter(({ where, whereNot }) => isEmpty(where) && isEmpty(whereNot));
  const shortest = leastOf(everywhere.map(({ everyMs }) => everyMs));
  return Number.isFinite(shortest) ? shortest : (longestOf(checks) ?? NO_CHECKS_MS);
}

function isEmpty(globs: object | undefined): boolean {
  return globs === undefined || Object.keys(globs).length === 0;
}

function longestOf(checks: readonly Pick<Check, 'everyMs'>[]): number | undefined {
  return checks.length === 0 ? undefined : greatestOf(checks.map(({ everyMs }) => everyMs));
}

// The last values of slow checks, for stores whose readers forget a series that gets no samples: see `SampleStore.repeat`.

import { findMetric } from '../catalogue.ts';
import { currentForMs } from '../current.ts';
import { labelKey } from '../labels.ts';
import type { Batch } from '../model/batch.ts';
import type { Check } from '../model/check.ts';
import type { Labels } from '../model/labels.ts';
import type { Observation } from '../model/observation.ts';
import type { Sample } from '../model/sample.ts';
import type { Target } from '../model/target.ts';
import { isSelected } from '../selection.ts';
import { samplesOfNode } from './samples.ts';

/** What the newest run of a check wrote about a node. */
export interface LastValues {
  roundMs: number;
  /** Labels without those of the target. */
  values: readonly (readonly [metric: string, labels: Labels, value: number])[];
}

/** A run of the check itself may still be under way for so long, before the values of the run before are written again. */
const UNDER_WAY_MS = 2 * 60_000;

/**
 * How far apart values are written again. A reader that looks back five minutes then still sees a value when one write is lost,
 * or a minute late. In each round it would be most of what a fleet with hourly checks of certificates writes.
 */
const REPEAT_MS = 2 * 60_000;

/** Whether readers that look back five minutes lose its series when one sample is late. */
export function isSlow({ everyMs }: Pick<Check, 'everyMs'>): boolean {
  return 2 * everyMs > currentForMs(0);
}

/** The newest values of slow checks, by `keyOf`, after what was observed. A failed run leaves only what says so. */
export function takeLastValues(
  known: ReadonlyMap<string, LastValues>,
  checks: readonly Check[],
  observations: readonly Observation[],
): Map<string, LastValues> {
  const slow = new Set(checks.filter(isSlow).map(({ name }) => name));
  const taken = observations.filter(({ check }) => slow.has(check));
  return new Map([
    ...known,
    ...taken.map((one): [string, LastValues] => {
      const { check, target, roundMs } = one;
      const samples = samplesOfNode([one], roundMs).filter(({ metric }) => isOfCheck(metric));
      const values = samples.map(({ metric, labels, value }) => [metric, ownLabels(labels), value] as const);
      return [keyOf(check, target), { roundMs, values }];
    }),
  ]);
}

/** Whether a round writes values again. Batches take turns. */
export function isRepeatRound({
  roundMs,
  index,
  intervalMs = REPEAT_MS,
}: Pick<Batch, 'roundMs' | 'index' | 'intervalMs'>): boolean {
  const rounds = Math.max(1, Math.floor(REPEAT_MS / intervalMs));
  return (Math.floor(roundMs / intervalMs) + index) % rounds === 0;
}

/**
 * The values to write again in such a round: those of slow checks that are not due, while they are current. A series that a due
 * check has measured is left out, and where that check failed all that it may measure.
 */
export function repeatsOf(
  { roundMs, targets }: Pick<Batch, 'roundMs' | 'targets'>,
  known: ReadonlyMap<string, LastValues>,
  checks: readonly Check[],
  observations: readonly Observation[],
): Sample[] {
  const ofNodes = Map.groupBy(observations, ({ target }) => nodeOf(target));
  const slow = checks.filter((check) => isSlow(check) && roundMs % check.everyMs !== 0);
  return targets.flatMap((target) => {
    const labels = { cluster: target.cluster, node: target.node, role: target.role };
    const kept = slow
      .filter((check) => isSelected(check, labels))
      .flatMap((check) => {
        const last = known.get(keyOf(check.name, target));
        return last && isRepeated(last, check, roundMs) ? [last] : [];
      })
      .sort((a, b) => a.roundMs - b.roundMs);
    if (kept.length === 0) return [];
    const isMeasured = measuredIn(ofNodes.get(nodeOf(target)) ?? []);
    const newest = new Map<string, Sample>();
    for (const [metric, own, value] of kept.flatMap(({ values }) => values)) {
      const sample = { metric, labels: { ...own, ...labels }, timeMs: roundMs, value };
      if (!isMeasured(sample)) newest.set(seriesKey(sample), sample);
    }
    return [...newest.values()];
  });
}

export function keyOf(check: string, { cluster, node }: Pick<Target, 'cluster' | 'node'>): string {
  return JSON.stringify([cluster, node, check]);
}

function nodeOf({ cluster, node }: Pick<Target, 'cluster' | 'node'>): string {
  return JSON.stringify([cluster, node]);
}

function isRepeated(last: LastValues, { everyMs }: Check, roundMs: number): boolean {
  const dueMs = Math.floor(roundMs / everyMs) * everyMs;
  const isUnderWay = last.roundMs < dueMs && roundMs - dueMs < UNDER_WAY_MS;
  return !isUnderWay && last.roundMs < roundMs && roundMs - last.roundMs <= currentForMs(everyMs);
}

/** Whether another check of the round has measured a series of the node, or failed to. */
function measuredIn(observations: readonly Observation[]): (sample: Sample) => boolean {
  const found = new Set(
    observations.flatMap(({ result }) => (result.ok ? result.samples.map(seriesKey) : [])),
  );
  const failed = observations.filter(({ result }) => !result.ok).map(({ probe = 'usage' }) => probe);
  return (sample) => {
    // What has the name of its check is measured by no other.
    if (sample.labels.check !== undefined) return false;
    const probes = findMetric(sample.metric)?.probes ?? [];
    return found.has(seriesKey(sample)) || failed.some((probe) => probes.includes(probe));
  };
}

/** Whether a check wrote it, and not the round for the node. */
function isOfCheck(metric: string): boolean {
  const { group, probes } = findMetric(metric) ?? {};
  return probes !== undefined || group === 'check';
}

function ownLabels({ cluster: _cluster, node: _node, role: _role, ...own }: Labels): Labels {
  return own;
}

function seriesKey({ metric, labels }: Pick<Sample, 'metric' | 'labels'>): string {
  return `${metric} ${labelKey(labels)}`;
}

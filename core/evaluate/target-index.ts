import type { Labels } from '../model/labels.ts';
import type { Point, Series } from '../model/sample.ts';
import { nodeKey } from './identity.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';

/**
 * Finds targets, `up` and series by `nodeKey`. Each index is built at its first use, since most rules are quiet and use
 * none.
 */
export interface TargetIndex {
  target(node: string): ExpectedTarget | undefined;
  /** `up` of the node. Series of no node, as a bastion's, have an up in each round in which any of them was seen. */
  ups(node: string | undefined): readonly Point[];
  series(node: string): readonly Series[];
  /**
   * `ups` without those at which the label set has a sample that does not fill its window yet: the metric is not missing
   * there. `any`: a sample of any series of the node counts.
   */
  tries(node: string | undefined, labels: Labels, any: boolean): readonly Point[];
}

/** Rules of one round share their `up`, and variants of one rule their targets as well. */
const upsByNode = new WeakMap<readonly Series[], Map<string | undefined, Series[]>>();
const targetsByNode = new WeakMap<readonly ExpectedTarget[], Map<string | undefined, ExpectedTarget>>();

/** @param sampled the samples that windows were reduced from; absent where each sample is compared by itself */
export function createTargetIndex(
  input: Pick<EvaluateInput, 'series' | 'up' | 'targets'>,
  sampled?: readonly Series[],
): TargetIndex {
  let ofNodes: Map<string | undefined, Series[]> | undefined;
  let rounds: readonly Point[] | undefined;
  let samples: Map<string | undefined, Series[]> | undefined;
  const index: TargetIndex = {
    target(node) {
      return once(
        targetsByNode,
        input.targets,
        (all) => new Map(all.map((one) => [nodeKey(one.labels), one])),
      ).get(node);
    },
    ups(node) {
      if (node === undefined) {
        rounds ??= roundsOf(input.series.filter(({ labels }) => nodeKey(labels) === undefined));
        return rounds;
      }
      const found = once(upsByNode, input.up, byNode).get(node);
      if (!found) return [];
      // A node whose role was changed has two series.
      return found.length === 1 && found[0] ? found[0].points : mergePoints(found);
    },
    series(node) {
      ofNodes ??= byNode(input.series);
      return ofNodes.get(node) ?? [];
    },
    tries(node, labels, any) {
      const tries = index.ups(node);
      if (!sampled || node === undefined) return tries;
      samples ??= byNode(sampled);
      const own = (samples.get(node) ?? []).filter((one) => any || sameLabels(one.labels, labels));
      const sampledAt = new Set(own.flatMap(({ points }) => points.map(({ timeMs }) => timeMs)));
      return tries.filter(({ timeMs }) => !sampledAt.has(timeMs));
    },
  };
  return index;
}

/** The index of a list that nobody changes, made at its first use. */
function once<List extends object, Index>(
  made: WeakMap<List, Index>,
  list: List,
  make: (list: List) => Index,
): Index {
  const known = made.get(list);
  if (known) return known;
  const index = make(list);
  made.set(list, index);
  return index;
}

function byNode(all: readonly Series[]): Map<string | undefined, Series[]> {
  const nodes = new Map<string | undefined, Series[]>();
  for (const one of all) {
    const node = nodeKey(one.labels);
    const ofNode = nodes.get(node);
    if (ofNode) ofNode.push(one);
    else nodes.set(node, [one]);
  }
  return nodes;
}

/** Points of several series in order of time; where several have the same time, the greatest. */
export function mergePoints(all: readonly Series[]): Point[] {
  const merged = new Map<number, number>();
  for (const { points } of all) {
    for (const { timeMs, value } of points)
      merged.set(timeMs, Math.max(value, merged.get(timeMs) ?? -Infinity));
  }
  return [...merged].map(([timeMs, value]) => ({ timeMs, value })).sort((a, b) => a.timeMs - b.timeMs);
}

function roundsOf(all: readonly Series[]): Point[] {
  return mergePoints(all).map(({ timeMs }) => ({ timeMs, value: 1 }));
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

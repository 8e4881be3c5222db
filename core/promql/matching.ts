// Operators between two vectors: each series of one side meets those of the other that have the same values of the labels which
// count (`on`, `ignoring`).

import type { Labels } from '../model/labels.ts';
import type { BinaryNode } from './ast.ts';
import type { Evaluation } from './evaluation.ts';
import { emptySeries, hasValue, mergeSameLabels, SAME_LABELS, type SteppedSeries } from './grid.ts';
import {
  drop,
  dropMetadata,
  formatLabels,
  keep,
  keyOf,
  labelValue,
  METRIC_NAME,
  withLabel,
} from './label-sets.ts';
import { type Operation, operationOf } from './operators.ts';
import { QueryError } from './source.ts';
import type { SetOperator } from './types.ts';

/** The labels that count, of a series. */
function matchLabels({ matching }: BinaryNode): (labels: Labels) => Labels {
  if (matching?.mode === 'on') {
    const names = new Set(matching.labels);
    return (labels) => keep(labels, names);
  }
  const names = new Set([METRIC_NAME, ...(matching?.labels ?? [])]);
  return (labels) => drop(labels, names);
}

function bySignature(
  vector: readonly SteppedSeries[],
  match: (labels: Labels) => Labels,
): Map<string, SteppedSeries[]> {
  return Map.groupBy(vector, ({ labels }) => keyOf(match(labels)));
}

/** The steps at which any of the series has a value. */
function presentSteps(vector: readonly SteppedSeries[], steps: number): Uint8Array {
  const any = new Uint8Array(steps);
  for (const { present } of vector) for (let step = 0; step < steps; step++) any[step]! |= present[step]!;
  return any;
}

export async function combineSets(
  node: BinaryNode & { op: SetOperator },
  left: readonly SteppedSeries[],
  right: readonly SteppedSeries[],
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  const steps = (left[0] ?? right[0])?.values.length ?? 0;
  const match = matchLabels(node);
  const isOr = node.op === 'or';
  const [kept, other] = isOr ? [right, left] : [left, right];
  const masks = new Map<string, Uint8Array>();
  for (const [signature, group] of bySignature(other, match))
    masks.set(signature, presentSteps(group, steps));
  for (const { labels, present } of kept) {
    const mask = masks.get(keyOf(match(labels)));
    for (let step = 0; step < steps; step++) {
      const isMatched = mask?.[step] === 1;
      if (isMatched !== (node.op === 'and')) present[step] = 0;
    }
    if (evaluation.isPauseDue(steps)) await evaluation.pause();
  }
  return isOr ? mergeSameLabels([...left, ...right.filter(hasValue)]) : kept.filter(hasValue);
}

/** Arithmetic and comparisons. */
export async function combineVectors(
  node: BinaryNode,
  left: readonly SteppedSeries[],
  right: readonly SteppedSeries[],
  evaluation: Evaluation,
): Promise<SteppedSeries[]> {
  if (left.length === 0 || right.length === 0) return [];
  const isSwapped = node.matching?.group?.side === 'right';
  const [many, one] = isSwapped ? [right, left] : [left, right];
  const steps = many[0]!.values.length;
  const match = matchLabels(node);
  const oneBySignature = bySignature(one, match);
  const manySteps = presentSteps(many, steps);
  for (const group of oneBySignature.values()) checkUnique(node, group, manySteps, match);
  const results = createResults(node, steps, evaluation);
  const claims = new Map<string, Claims>();
  for (const series of many) {
    const signature = keyOf(match(series.labels));
    const group = oneBySignature.get(signature) ?? [];
    const claimed = getOrInsert(claims, signature, () => new Map());
    for (const other of group) results.add(series, other, claimed);
    if (evaluation.isPauseDue(steps * group.length)) await evaluation.pause();
  }
  return results.list();
}

/** The side of one must have one series of each signature, wherever the other side has any value. */
function checkUnique(
  node: BinaryNode,
  group: readonly SteppedSeries[],
  manySteps: Uint8Array,
  match: (labels: Labels) => Labels,
): void {
  if (group.length < 2) return;
  const seen: (SteppedSeries | undefined)[] = new Array(manySteps.length);
  for (const series of group) {
    for (let step = 0; step < manySteps.length; step++) {
      if (!series.present[step] || !manySteps[step]) continue;
      const first = seen[step];
      if (first) {
        const side = node.matching?.group?.side === 'right' ? 'left' : 'right';
        throw new QueryError(
          'execution',
          `found duplicate series for the match group ${formatLabels(match(series.labels))} on the ${side} hand-side of the operation: ` +
            `[${formatLabels(series.labels)}, ${formatLabels(first.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
        );
      }
      seen[step] = series;
    }
  }
}

/** The steps that have a result within one signature, kept by a filter or not: by the result's key. */
type Claims = Map<string, Uint8Array>;

function createResults(node: BinaryNode, steps: number, evaluation: Evaluation) {
  const operation = operationOf(node.op);
  const compute = elementOperation(node, operation);
  const label = resultLabels(node, operation);
  const isGrouped = node.matching?.group !== undefined;
  const results = new Map<string, SteppedSeries>();
  return {
    add(many: SteppedSeries, one: SteppedSeries, claims: Claims): void {
      const labels = label(many.labels, one.labels);
      const key = keyOf(labels);
      const result = getOrInsert(results, key, () => {
        evaluation.hold(steps);
        return emptySeries(labels, steps);
      });
      // Without a group, a signature has one result, whatever its labels.
      const claimed = getOrInsert(claims, isGrouped ? key : '', () => new Uint8Array(steps));
      for (let step = 0; step < steps; step++) {
        if (!many.present[step] || !one.present[step]) continue;
        if (claimed[step]) throw manyMatches(isGrouped);
        claimed[step] = 1;
        const value = compute(many.values[step]!, one.values[step]!);
        if (value === undefined) continue;
        if (result.present[step]) throw new QueryError('execution', SAME_LABELS);
        result.present[step] = 1;
        result.values[step] = value;
      }
    },
    list: () => [...results.values()].filter(hasValue),
  };
}

function manyMatches(isGrouped: boolean): QueryError {
  const fix = isGrouped
    ? 'grouping labels must ensure unique matches'
    : 'many-to-one matching must be explicit (group_left/group_right)';
  return new QueryError('execution', `multiple matches for labels: ${fix}`);
}

/** Undefined: the comparison filters it out. A filter keeps the value of the left side, on whichever side there are many. */
function elementOperation(
  node: BinaryNode,
  operation: Operation,
): (many: number, one: number) => number | undefined {
  const compute = (left: number, right: number) => {
    if (operation.kind === 'arithmetic') return operation.compute(left, right);
    const holds = operation.holds(left, right);
    if (node.bool) return Number(holds);
    return holds ? left : undefined;
  };
  return node.matching?.group?.side === 'right' ? (many, one) => compute(one, many) : compute;
}

function resultLabels(
  { bool, matching }: BinaryNode,
  operation: Operation,
): (many: Labels, one: Labels) => Labels {
  const changesMeaning = bool || operation.kind === 'arithmetic';
  const names = new Set(matching?.labels);
  return (many, one) => {
    const labels = changesMeaning ? dropMetadata(many) : many;
    if (!matching?.group) return matching?.mode === 'on' ? keep(labels, names) : drop(labels, names);
    return matching.group.include.reduce((all, name) => withLabel(all, name, labelValue(one, name)), labels);
  };
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}

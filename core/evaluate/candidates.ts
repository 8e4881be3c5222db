import { labelKey } from '../labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Point, Series } from '../model/sample.ts';
import { isGroupGone } from './aggregate.ts';
import { canHaveLabels, namesNode } from './alert-labels.ts';
import { createBlindRounds } from './blind-rounds.ts';
import type { Evaluation } from './evaluation.ts';
import type { FoldInput } from './fold.ts';
import { nodeKey } from './identity.ts';
import { isOpen, type Known, knownAlerts } from './known-alerts.ts';
import { lacksData, mayLackData, presenceOf } from './lacking-series.ts';
import { comparedEveryMs } from './rule-series.ts';
import { createTargetIndex, sameLabels } from './target-index.ts';

/** A label set that needs folding: it breaches, it is known, or its data may be missing. */
export interface Candidate extends Omit<FoldInput, 'state'> {
  key: string;
  known: Known;
  /**
   * Why it ends whatever samples say: its node or cluster is no longer in the inventory or has other labels there, the rule
   * has other labels since an edit, or no check measures it any more.
   */
  removed: 'removed' | 'unselected' | 'check-removed' | undefined;
}

/**
 * Finds the few label sets that need folding, in an order that does not depend on the store's: equal states make equal
 * checkpoints. All others are ok and stay ok, and cost one comparison a sample.
 */
export function findCandidates(
  series: readonly Series[],
  evaluation: Evaluation,
): { candidates: Candidate[]; ignoredSamples: number } {
  const { compiled, span } = evaluation;
  const input = { ...evaluation.input, series };
  const known = knownAlerts(input);
  const index = createTargetIndex(input, sampledSeries(evaluation));
  const context = { input, span, index };
  const blindRounds = createBlindRounds(input, index);
  const { isMeasured = () => true } = input;
  const alerting = compiled.noData === 'alerting';
  const knownNodes = new Set([...known.values()].map(({ labels }) => nodeKey(labels)));
  const found = new Map<string, Candidate>();
  let ignoredSamples = 0;

  const add = (labels: Labels, points: readonly Point[], key = labelKey(labels)) => {
    const node = nodeKey(labels);
    const target = node === undefined ? undefined : index.target(node);
    const entry = known.get(key) ?? { labels };
    const gone = node === undefined ? isGroupGone(input, labels) : !target;
    const removed =
      gone || !canHaveLabels(input.rule, labels)
        ? input.isUnselected?.(labels)
          ? 'unselected'
          : 'removed'
        : isMeasured(labels)
          ? undefined
          : 'check-removed';
    // A removed label set with an emitted transition stays for a while: the inventory may have had a bad moment.
    if (removed && !entry.last && !isOpen(entry)) return;
    const hasTarget = target !== undefined;
    const expected = hasTarget && sameLabels(target.labels, labels);
    const ups = index.tries(node, labels, expected);
    const intervalMs = comparedEveryMs(input, labels);
    const isBlind = blindRounds(labels);
    found.set(key, {
      ...{ key, labels, points, ups, intervalMs, isBlind },
      ...{ known: entry, removed, expected, hasTarget },
    });
  };

  for (const { labels, points } of series) {
    let breaching = false;
    for (const { timeMs, value } of points) {
      if (timeMs <= span.fromMs || timeMs > span.toMs) ignoredSamples++;
      else if (!breaching) breaching = compiled.breaches(value);
    }
    if (breaching || (alerting && mayLackData(labels, points, context))) {
      add(labels, points);
    } else if (known.size > 0 && knownNodes.has(nodeKey(labels))) {
      const key = labelKey(labels);
      if (known.has(key)) add(labels, points, key);
    }
  }
  if (alerting && namesNode(input.rule)) {
    for (const { labels } of input.targets) {
      const ofNode = index.series(nodeKey(labels) ?? '');
      if (ofNode.some((one) => sameLabels(one.labels, labels))) continue;
      const key = labelKey(labels);
      if (known.has(key) || lacksData(labels, ofNode, context)) add(labels, presenceOf(ofNode), key);
    }
  }
  for (const [key, { labels }] of known) if (!found.has(key)) add(labels, [], key);
  return { candidates: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)), ignoredSamples };
}

/** The samples that windows were reduced from; undefined where each sample is compared by itself. */
function sampledSeries({ input: { rule, series } }: Evaluation): readonly Series[] | undefined {
  return rule.window && !rule.aggregate && rule.over === undefined ? series : undefined;
}

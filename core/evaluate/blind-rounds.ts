import type { Labels } from '../model/labels.ts';
import type { Point } from '../model/sample.ts';
import { isWithoutCluster } from './alert-labels.ts';
import { nodeKey } from './identity.ts';
import type { EvaluateInput, ExpectedTarget } from './model.ts';
import type { TargetIndex } from './target-index.ts';

/** Whether nothing could have shown the series at that time, so that its absence says nothing. */
export type IsBlind = (timeMs: number) => boolean;

/**
 * For a label set: the rounds in which no check could see it. A node's check could not be made, or saw a part only; of a group
 * no member was up with a check that saw all. Undefined: nothing is known of such rounds.
 */
export function createBlindRounds(
  { rule, blind = [], targets }: Pick<EvaluateInput, 'rule' | 'blind' | 'targets'>,
  index: Pick<TargetIndex, 'ups'>,
): (labels: Labels) => IsBlind | undefined {
  const times = new Map<string | undefined, { check: string | undefined; times: ReadonlySet<number> }[]>();
  for (const { labels, points } of blind) {
    const node = nodeKey(labels);
    const ofNode = times.get(node) ?? [];
    times.set(node, ofNode);
    ofNode.push({ check: labels.check, times: timesOf(points) });
  }
  const onNode = (node: string | undefined, check: string | undefined): IsBlind => {
    const found = (times.get(node) ?? []).filter((one) => check === undefined || one.check === check);
    return (timeMs) => found.some((one) => one.times.has(timeMs));
  };
  const ofGroup = (labels: Labels): IsBlind | undefined => {
    const members = targets.filter((target) => isMember(target, labels)).map((one) => nodeKey(one.labels));
    if (!members.some((node) => index.ups(node).length > 0)) return undefined;
    let seeing: Set<number> | undefined;
    return (timeMs) => {
      seeing ??= new Set(members.flatMap((node) => seenAt(index.ups(node), onNode(node, labels.check))));
      return !seeing.has(timeMs);
    };
  };
  return (labels) => {
    const node = nodeKey(labels);
    if (node !== undefined) return times.has(node) ? onNode(node, labels.check) : undefined;
    return rule.aggregate && !isWithoutCluster(rule) ? ofGroup(labels) : undefined;
  };
}

/** Whether a target may have series of the group: labels that only samples have exclude none. */
export function isMember({ labels: own }: ExpectedTarget, labels: Labels): boolean {
  return Object.entries(labels).every(([name, value]) => (own[name] ?? value) === value);
}

function timesOf(points: readonly Point[]): Set<number> {
  return new Set(points.map(({ timeMs }) => timeMs));
}

function seenAt(ups: readonly Point[], isBlind: IsBlind): number[] {
  return ups.flatMap(({ timeMs, value }) => (value === 1 && !isBlind(timeMs) ? [timeMs] : []));
}

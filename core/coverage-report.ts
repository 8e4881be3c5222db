// Which nodes are watched, and why others are not. Pure.

import { currentForMs } from './current.ts';
import type { Check } from './model/check.ts';
import { FAILURES, type FailureReason } from './model/observation.ts';
import type { Target } from './model/target.ts';
import type { TargetStatus } from './model/target-status.ts';
import { isSelected } from './selection.ts';

/**
 * `no-check`: no check selects the node. `never-seen`: no check of it has ended yet. `bastion-lost`: no batch of its bastion got
 * through. `overdue`: its checks are due and have no result. Otherwise the reason for which its newest check failed.
 */
export const UNWATCHED = ['no-check', 'never-seen', 'bastion-lost', 'overdue', ...FAILURES] as const;

export type UnwatchedReason = (typeof UNWATCHED)[number];

export interface UnwatchedNode {
  cluster: string;
  node: string;
  reason: UnwatchedReason;
  /** Of the newest failure. */
  detail?: string;
  /** When a check last ended. */
  checkedAtMs?: number;
}

export interface CoverageReport {
  nodes: number;
  watched: number;
  unwatched: UnwatchedNode[];
}

/** A node is watched while at least one check of it succeeded a short time ago: within 5 minutes, or two intervals of the check. */
export function reportCoverage(input: {
  targets: readonly Target[];
  checks: readonly Check[];
  statuses: readonly TargetStatus[];
  nowMs: number;
}): CoverageReport {
  const { targets, checks, statuses, nowMs } = input;
  const byNode = Map.groupBy(statuses, ({ cluster, node }) => keyOf(cluster, node));
  const unwatched = targets.flatMap((target): UnwatchedNode[] => {
    const { cluster, node, role, bastion, otherBastions = [] } = target;
    const mine = new Map(
      checks
        .filter((check) => isSelected(check, { cluster, node, role }))
        .map((check) => [check.name, check.everyMs]),
    );
    if (mine.size === 0) return [{ cluster, node, reason: 'no-check' }];
    // A status may be of a check that is no longer configured.
    const known = (byNode.get(keyOf(cluster, node)) ?? []).filter(({ check }) => mine.has(check));
    const isCurrent = ({ check, roundMs }: TargetStatus) =>
      roundMs >= nowMs - currentForMs(mine.get(check) ?? 0);
    if (known.some((status) => status.ok && isCurrent(status))) return [];
    const newest = newestOf(known);
    const checkedAtMs = newest && { checkedAtMs: newest.roundMs };
    if (newest && !newest.ok && isCurrent(newest)) {
      const { reason, detail } = newest;
      return [{ cluster, node, reason: reason ?? 'overdue', ...(detail && { detail }), ...checkedAtMs }];
    }
    const lost = [bastion, ...otherBastions].map((name) => failureOf(byNode.get(keyOf('', name)) ?? []));
    if (lost.every((one) => one !== undefined)) {
      const { detail } = lost[0] ?? {};
      return [{ cluster, node, reason: 'bastion-lost', ...(detail && { detail }), ...checkedAtMs }];
    }
    return [{ cluster, node, reason: newest ? 'overdue' : 'never-seen', ...checkedAtMs }];
  });
  return { nodes: targets.length, watched: targets.length - unwatched.length, unwatched };
}

/** The failure of a bastion in its newest round, if every batch failed there. */
function failureOf(statuses: readonly TargetStatus[]): TargetStatus | undefined {
  const newest = newestOf(statuses);
  const ofRound = statuses.filter(({ roundMs }) => roundMs === newest?.roundMs);
  return ofRound.every(({ ok }) => !ok) ? newest : undefined;
}

function newestOf(statuses: readonly TargetStatus[]): TargetStatus | undefined {
  return statuses.reduce<TargetStatus | undefined>(
    (newest, one) => (newest && newest.roundMs >= one.roundMs ? newest : one),
    undefined,
  );
}

function keyOf(cluster: string, node: string): string {
  return `${cluster}\n${node}`;
}

const TEXTS: Readonly<Record<UnwatchedReason, string>> = {
  'no-check': 'no check selects it; `checks[].where` decides',
  'never-seen': 'no check of it has ended yet',
  'bastion-lost': 'its bastion cannot be used',
  overdue: 'its checks are due and have no result: `up` is stopped, or a round has no time for them',
  unreachable: 'its SSH port cannot be reached',
  forbidden: 'its bastion forbids the way to it',
  timeout: 'it does not answer in time',
  penalty: 'its sshd refuses our address for a while',
  auth: 'it refuses our login',
  'host-key': 'its host key has changed',
  'host-key-unknown': 'its host key is unknown; `bartizan trust` learns it',
  protocol: 'what answers there is not SSH',
  command: 'its check fails',
  output: 'the output of its check cannot be understood',
  config: 'a secret of its check cannot be used',
} satisfies Record<FailureReason | UnwatchedReason, string>;

/** Says the reason to people. */
export function unwatchedText(reason: UnwatchedReason): string {
  return TEXTS[reason];
}

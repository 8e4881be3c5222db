// Which nodes are watched, and why others are not. Pure.

import { currentForMs } from './current.ts';
import { TARGET_LABELS } from './evaluate/range.ts';
import { labelsMatch } from './labels.ts';
import type { Check } from './model/check.ts';
import { FAILURES, type FailureReason } from './model/observation.ts';
import type { Target } from './model/target.ts';
import type { TargetStatus } from './model/target-status.ts';
import { isSelected } from './selection.ts';

/**
 * `no-check`: no check selects the node. `left-out`: checks select it, and their `whereNot` leaves it out. `never-seen`: no check of
 * it has ended yet. `bastion-lost`: no batch of its bastion got through. `overdue`: its checks are due and have no result;
 * `beyond-capacity`: others behind its bastion have one. Otherwise the reason for which its newest check failed.
 */
export const UNWATCHED = [
  'no-check',
  'left-out',
  'never-seen',
  'bastion-lost',
  'overdue',
  'beyond-capacity',
  ...FAILURES,
] as const;

export type UnwatchedReason = (typeof UNWATCHED)[number];

export interface UnwatchedNode {
  cluster: string;
  node: string;
  reason: UnwatchedReason;
  /** What the newest failure says, or which checks leave it out. */
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
  const checksOf = createChecksOf(checks);
  const isCurrent = ({ roundMs }: TargetStatus, everyMs = 0) => roundMs >= nowMs - currentForMs(everyMs);
  /** Bastions behind which some check has ended a short time ago. */
  const alive = new Set<string>();
  const unwatched: (UnwatchedNode & { bastion: string })[] = [];
  for (const target of targets) {
    const { cluster, node, bastion, otherBastions = [] } = target;
    const add = (reason: UnwatchedReason, more: Pick<UnwatchedNode, 'detail' | 'checkedAtMs'> = {}) =>
      void unwatched.push({ cluster, node, bastion, reason, ...more });
    const { mine, leftOutBy } = checksOf(target);
    if (mine.size === 0) {
      if (leftOutBy.length === 0) add('no-check');
      else add('left-out', { detail: `\`whereNot\` of ${leftOutBy.join(', ')}` });
      continue;
    }
    // A status may be of a check that is no longer configured.
    const known = (byNode.get(keyOf(cluster, node)) ?? []).filter(({ check }) => mine.has(check));
    const current = known.filter((status) => isCurrent(status, mine.get(status.check)));
    if (current.length > 0) alive.add(bastion);
    if (current.some(({ ok }) => ok)) continue;
    const newest = newestOf(known);
    const checkedAtMs = newest && { checkedAtMs: newest.roundMs };
    if (newest && current.includes(newest)) {
      const { reason = 'overdue', detail } = newest;
      add(reason, { ...(detail && { detail }), ...checkedAtMs });
      continue;
    }
    const lost = [bastion, ...otherBastions].map((name) => failureOf(byNode.get(keyOf('', name)) ?? []));
    if (lost.every((one) => one !== undefined)) {
      const { detail } = lost[0] ?? {};
      add('bastion-lost', { ...(detail && { detail }), ...checkedAtMs });
    } else add(newest ? 'overdue' : 'never-seen', checkedAtMs);
  }
  const named = unwatched.map(
    ({ bastion, ...one }): UnwatchedNode =>
      one.reason === 'overdue' && alive.has(bastion) ? { ...one, reason: 'beyond-capacity' } : one,
  );
  return { nodes: targets.length, watched: targets.length - named.length, unwatched: named };
}

/** How many nodes of a report are not watched for each reason; 0 for those that none has. */
export function countByReason({ unwatched }: CoverageReport): Map<UnwatchedReason, number> {
  const counts = new Map<UnwatchedReason, number>(UNWATCHED.map((reason) => [reason, 0]));
  for (const { reason } of unwatched) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

interface ChecksOfTarget {
  /** Their intervals, by name. */
  mine: ReadonlyMap<string, number>;
  /** Names of checks whose `where` selects it and whose `whereNot` leaves it out. */
  leftOutBy: readonly string[];
}

/** Targets that agree in the labels which checks name have the same checks: most checks name a role at most. */
function createChecksOf(checks: readonly Check[]): (target: Target) => ChecksOfTarget {
  const named = TARGET_LABELS.filter((label) =>
    checks.some(({ where, whereNot = {} }) => label in where || label in whereNot),
  );
  const known = new Map<string, ChecksOfTarget>();
  return (target) => {
    const key = named.map((label) => target[label]).join('\n');
    const before = known.get(key);
    if (before) return before;
    const { cluster, node, role } = target;
    const labels = { cluster, node, role };
    const mine = checks.filter((check) => isSelected(check, labels));
    const leftOut = checks.filter((check) => labelsMatch(check.where, labels) && !mine.includes(check));
    const made = {
      mine: new Map(mine.map(({ name, everyMs }) => [name, everyMs])),
      leftOutBy: leftOut.map(({ name }) => name),
    };
    known.set(key, made);
    return made;
  };
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
  'left-out': 'every check that selects it leaves it out by `whereNot`',
  'never-seen': 'no check of it has ended yet',
  'bastion-lost': 'its bastion cannot be used',
  overdue: 'its checks are due and have no result: `up` is stopped, or nothing behind its bastion is probed',
  'beyond-capacity':
    'its checks are due and have no result, while others behind its bastion have: rounds have no time for it, or its batch fails',
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

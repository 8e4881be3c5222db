import type { Labels } from '../model/labels.ts';
import type { Transition, TransitionReason } from '../model/transition.ts';

/** One firing of an alert, as a backtest finds it. */
export interface Episode {
  alertId: string;
  rule: string;
  labels: Labels;
  /** What today's inventory says of the node or cluster. */
  inventoryLabels?: Labels;
  /** The first sample that breached. */
  sinceMs: number;
  firedAtMs: number;
  /** It fired before the range began. */
  firedBefore?: true;
  /** Absent: it fires at the end of the range. */
  resolvedAtMs?: number;
  clearedAtMs?: number;
  reason: TransitionReason;
  endReason?: TransitionReason;
  /** When it fired. */
  value?: number;
  /** When it ended. */
  endValue?: number;
}

/** Transitions in order of time as episodes, in order of firing; those that ended before `fromMs` are left out. */
export function episodesOf(transitions: readonly Transition[], fromMs: number): Episode[] {
  const open = new Map<string, Episode>();
  const found: Episode[] = [];
  for (const transition of transitions) {
    const { kind, alertId, atMs, reason } = transition;
    if (kind === 'firing') {
      const episode = episodeFrom(transition, fromMs);
      open.set(alertId, episode);
      found.push(episode);
    } else if (kind === 'resolved') {
      const episode = open.get(alertId);
      if (!episode) continue;
      const { clearedAtMs, value: endValue } = transition;
      Object.assign(
        episode,
        { resolvedAtMs: atMs, endReason: reason },
        clearedAtMs !== undefined && { clearedAtMs },
        endValue !== undefined && { endValue },
      );
      open.delete(alertId);
    }
  }
  return found.filter(({ resolvedAtMs = Infinity }) => resolvedAtMs >= fromMs);
}

function episodeFrom(transition: Transition, fromMs: number): Episode {
  const { alertId, rule, labels, inventoryLabels, sinceMs, atMs, reason, value } = transition;
  return {
    ...{ alertId, rule, labels, sinceMs, firedAtMs: atMs, reason },
    ...(inventoryLabels && { inventoryLabels }),
    ...(atMs < fromMs && { firedBefore: true as const }),
    ...(value !== undefined && { value }),
  };
}

/** How long it fired within the range. */
export function firingMs(
  { firedAtMs, resolvedAtMs }: Episode,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): number {
  return Math.max(0, Math.min(resolvedAtMs ?? toMs, toMs) - Math.max(firedAtMs, fromMs));
}

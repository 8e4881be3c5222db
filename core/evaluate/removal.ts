import type { Alert } from '../model/alert.ts';
import type { Transition, TransitionReason } from '../model/transition.ts';
import { makeTransition } from './identity.ts';

/** Ends, at this round, the stored alerts of a rule that is no longer configured, or that another shard evaluates now. */
export function removeRule(input: {
  rule: string;
  alerts: readonly Alert[];
  nowMs: number;
  reason?: TransitionReason;
}): { alerts: Alert[]; transitions: Transition[] } {
  const { reason = 'removed' } = input;
  const open = input.alerts.filter((alert) => alert.rule === input.rule && alert.status !== 'ok');
  const transitions = open.map((alert) => {
    const { sinceMs, clearedAtMs, value } = alert;
    const kind = alert.status === 'firing' ? 'resolved' : 'cancelled';
    return makeTransition(alert, {
      kind,
      atMs: endMs(alert, input.nowMs),
      reason,
      sinceMs,
      clearedAtMs,
      value,
    });
  });
  const alerts = open.map((alert): Alert => {
    const resolvedAtMs = alert.status === 'firing' ? endMs(alert, input.nowMs) : undefined;
    return { ...alert, status: 'ok', reason, resolvedAtMs };
  });
  return { alerts, transitions };
}

/** Never before the alert fired, which may lie ahead of a clock that was set back: notify would take it for an older end. */
function endMs({ firedAtMs = -Infinity, sinceMs }: Alert, nowMs: number): number {
  return Math.max(nowMs, sinceMs, firedAtMs);
}

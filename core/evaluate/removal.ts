import type { Alert, Transition, TransitionReason } from '../model.ts';
import { makeTransition } from './identity.ts';

/** Ends the stored alerts of a rule that is no longer configured, or no longer judged here, at the round that is judged. */
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
    return makeTransition(alert, { kind, atMs: input.nowMs, reason, sinceMs, clearedAtMs, value });
  });
  const alerts = open.map((alert): Alert => {
    const resolvedAtMs = alert.status === 'firing' ? input.nowMs : undefined;
    return { ...alert, status: 'ok', reason, resolvedAtMs };
  });
  return { alerts, transitions };
}

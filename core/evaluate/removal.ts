import type { Alert, Transition } from '../model.ts';
import { makeTransition } from './identity.ts';

/** Ends the stored alerts of a rule that is no longer configured, at the round that is judged. */
export function removeRule(input: { rule: string; alerts: readonly Alert[]; nowMs: number }): {
  alerts: Alert[];
  transitions: Transition[];
} {
  const open = input.alerts.filter((alert) => alert.rule === input.rule && alert.status !== 'ok');
  const transitions = open.map((alert) => {
    const { sinceMs, clearedAtMs, value } = alert;
    const kind = alert.status === 'firing' ? 'resolved' : 'cancelled';
    return makeTransition(alert, { kind, atMs: input.nowMs, reason: 'removed', sinceMs, clearedAtMs, value });
  });
  const alerts = open.map((alert): Alert => {
    const resolvedAtMs = alert.status === 'firing' ? input.nowMs : undefined;
    return { ...alert, status: 'ok', reason: 'removed', resolvedAtMs };
  });
  return { alerts, transitions };
}

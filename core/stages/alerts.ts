import { removeRule } from '../evaluate/evaluate.ts';
import type { Alert } from '../model/alert.ts';
import type { Transition } from '../model/transition.ts';
import { ownsAlert, shardName } from '../plan/shards.ts';
import type { Versioned } from '../ports.ts';
import { withInventoryLabels } from './inventory-labels.ts';
import type { ShardRound } from './shard-round.ts';

type AlertsOfShard = Pick<ShardRound, 'state' | 'shard' | 'roundMs' | 'inventoryLabels'>;

/** The rule's stored alerts that this shard owns. */
export async function alertsOf(rule: string, { state, shard }: AlertsOfShard): Promise<Versioned<Alert>[]> {
  return (await state.listAlerts(rule)).filter((alert) => ownsAlert(shard, alert.value.labels));
}

/** Writes the alerts that differ from the stored ones. */
export async function commitAlerts(
  stored: readonly Versioned<Alert>[],
  { state, roundMs: dueAtMs, inventoryLabels }: AlertsOfShard,
  result: { alerts: Alert[]; transitions: Transition[] },
): Promise<void> {
  const before = new Map(stored.map((alert) => [alert.value.id, alert]));
  const byAlert = Map.groupBy(result.transitions, (transition) => transition.alertId);
  for (const alert of result.alerts) {
    const known = before.get(alert.id);
    const transitions = byAlert.get(alert.id) ?? [];
    if (transitions.length === 0 && known && sameState(known.value, alert)) continue;
    const labelled = withInventoryLabels(alert, transitions, known?.value, inventoryLabels);
    await state.commitAlert({ ...labelled, expectedVersion: known?.version ?? 0, dueAtMs });
  }
}

/** Ends the rule's alerts that this shard owns. */
export async function endAlerts(
  rule: string,
  reason: 'removed' | 'rule-changed',
  at: AlertsOfShard,
): Promise<Transition[]> {
  const stored = await alertsOf(rule, at);
  const ended = removeRule({ rule, alerts: stored.map(({ value }) => value), nowMs: at.roundMs, reason });
  await commitAlerts(stored, at, ended);
  return ended.transitions;
}

/**
 * The rule is removed: this shard ends the alerts it owns, and deletes all checkpoints, also those of other shards and of
 * other shard counts. Alerts of other shards keep the rule in `listRules` until their shard has ended them.
 */
export async function endRule(rule: string, at: AlertsOfShard): Promise<Transition[]> {
  const ended = await endAlerts(rule, 'removed', at);
  const names = new Set([shardName(at.shard), ...(await at.state.listCheckpoints(rule))]);
  for (const name of names) await at.state.deleteCheckpoint(rule, name);
  return ended;
}

/**
 * Other shards evaluate the rule: this one ends the alerts it still owns. It checks in every round, since the alerts may
 * have been emitted under another shard count, whose checkpoints this shard does not know.
 */
export async function leaveRule(rule: string, at: AlertsOfShard): Promise<Transition[]> {
  const name = shardName(at.shard);
  const stored = await at.state.loadCheckpoint(rule, name);
  const ended = await endAlerts(rule, 'rule-changed', at);
  if (stored) await at.state.deleteCheckpoint(rule, name);
  return ended;
}

/** Whether both are equal but for the newest value, which changes with every sample and is not worth a write. */
export function sameState(a: Alert, b: Alert): boolean {
  return (
    a.status === b.status &&
    a.sinceMs === b.sinceMs &&
    a.firedAtMs === b.firedAtMs &&
    a.clearedAtMs === b.clearedAtMs &&
    a.noDataSinceMs === b.noDataSinceMs &&
    a.reason === b.reason
  );
}

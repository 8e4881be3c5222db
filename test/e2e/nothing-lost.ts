import { expect } from 'vitest';
import type { Transition } from '../../core/model/transition.ts';
import type { StateStore } from '../../core/ports.ts';
import type { SinkMessage } from '../../localstack/sink/sink.ts';

const episode = (alertId: string, firedAt: string | number) =>
  `${alertId} ${new Date(firedAt).toISOString()}`;

/** Whether every alert has ended, and every message about it was sent. */
export async function isAllSent(
  state: Pick<StateStore, 'listAlerts' | 'dueOutbox' | 'openIncidents'>,
): Promise<boolean> {
  const waiting = [
    await state.listAlerts(),
    await state.dueOutbox(Number.MAX_SAFE_INTEGER, 1),
    await state.openIncidents(),
  ];
  return waiting.every(({ length }) => length === 0);
}

/**
 * Requires that more than so many alerts fired, that each of them was received, and each end, and that a key of a message
 * has one content. Returns how many alerts fired, and how many messages were repeats under their old key.
 */
export function requireNothingLost(
  transitions: readonly Transition[],
  messages: readonly Pick<SinkMessage, 'payload'>[],
  moreThan = 5,
): { fired: number; repeats: number } {
  const kinds = (kind: Transition['kind']) => transitions.filter((transition) => transition.kind === kind);
  const received = { firing: new Set<string>(), resolved: new Set<string>() };
  const contents = new Map<string, Set<string>>();
  for (const { payload } of messages) {
    for (const alert of payload.alerts) {
      received[alert.status].add(episode(alert.id, alert.firedAt));
      if (alert.resolvedAt !== null) received.firing.add(episode(alert.id, alert.firedAt));
    }
    const content = payload.alerts
      .map((alert) => `${episode(alert.id, alert.firedAt)} ${alert.status}`)
      .join();
    contents.set(payload.key, (contents.get(payload.key) ?? new Set()).add(content));
  }

  const fired = kinds('firing').map((transition) => episode(transition.alertId, transition.atMs));
  // Make sure that enough happened.
  expect(fired.length).toBeGreaterThan(moreThan);
  expect(fired.filter((each) => !received.firing.has(each))).toEqual([]);
  // A firing ends with a resolved transition; the last firing of an alert may still be open.
  for (const { alertId, atMs } of kinds('resolved')) {
    const start = Math.max(
      ...kinds('firing')
        .filter((t) => t.alertId === alertId && t.atMs <= atMs)
        .map((t) => t.atMs),
    );
    expect([...received.resolved]).toContain(episode(alertId, start));
  }
  for (const [key, content] of contents) expect([key, content.size]).toEqual([key, 1]);
  return { fired: fired.length, repeats: messages.length - contents.size };
}

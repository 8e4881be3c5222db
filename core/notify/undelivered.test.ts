import { describe, expect, it } from 'vitest';
import { absorb, delivered, n1, n2, opened, route, rule, transition } from '../../test/incidents.ts';
import type { Alert } from '../model/alert.ts';
import type { Incident } from '../model/incident.ts';
import { beginAttempt, failAttempt } from './attempt.ts';
import type { Suppression } from './suppression.ts';
import { undeliveredAlerts } from './undelivered.ts';

const config = { rules: [rule()], routes: [route('r')] };
const failing = (incident: Incident, error = '404') => {
  const attempt = beginAttempt(incident, { alerts: incident.alerts, reason: 'first' }, 2_000);
  return failAttempt(incident, attempt, { outcome: 'failed', retryAtMs: 400_000, failOver: false }, error);
};
const firing = (labels = n1): Alert => ({
  id: `memory/${labels.node}`,
  rule: 'memory',
  labels,
  status: 'firing',
  sinceMs: 999,
  firedAtMs: 1_000,
  reason: 'threshold',
});
const ask = (
  incidents: readonly Incident[],
  extra: { alerts?: readonly Alert[]; held?: Suppression; config?: typeof config } = {},
) =>
  undeliveredAlerts({
    incidents,
    firing: extra.alerts ?? [],
    config: extra.config ?? config,
    suppressionOf: () => extra.held,
  });

describe('an alert is undelivered', () => {
  it('while no channel has accepted it, with what each failed of', () => {
    const other = { ...failing(opened(), 'refused'), id: 'i2', channel: 'chat' };
    expect(ask([failing(opened()), other], { alerts: [firing()] })).toEqual([
      {
        alertId: 'memory/n1',
        rule: 'memory',
        labels: n1,
        severity: 'warning',
        firedAtMs: 1_000,
        dueSinceMs: 1_000,
        channels: [
          { channel: 'ops', tries: 1, error: '404' },
          { channel: 'chat', tries: 1, error: 'refused' },
        ],
      },
    ]);
  });

  it('no longer once any channel has it, or a stand-in of one', () => {
    const other = { ...failing(opened()), id: 'i2', channel: 'chat' };
    expect(ask([delivered(opened(), 1_000), other])).toEqual([]);
    const relieved = opened();
    const alerts = relieved.alerts.map((alert) => ({ ...alert, standIn: 'firing' as const }));
    expect(ask([{ ...relieved, alerts }])).toEqual([]);
  });

  it('not where another channel is known to have been sent it', () => {
    const incident = failing(opened());
    const alerts = incident.alerts.map((alert) => ({ ...alert, heardBy: ['mail'] }));
    expect(ask([{ ...incident, alerts }])).toEqual([]);
    expect(ask([{ ...incident, alerts: alerts.map((alert) => ({ ...alert, heardBy: [] })) }])).toHaveLength(
      1,
    );
  });

  it('before anybody has tried to send it', () => {
    expect(ask([opened()])[0]?.channels).toEqual([{ channel: 'ops', tries: 0 }]);
  });

  it('also when it has ended, unless it was withheld to its end', () => {
    const over = absorb(failing(opened()), transition('resolved', 9_000), 9_000);
    expect(ask([over])).toMatchObject([{ firedAtMs: 1_000, endedAtMs: 9_000 }]);
    const alerts = over.alerts.map((alert) => ({ ...alert, heldBack: 'silence' as const }));
    expect(ask([{ ...over, alerts }])).toEqual([]);
  });

  it('not while something withholds it; and since that ended, not since it fired', () => {
    expect(ask([failing(opened())], { held: { by: 'silence', fromMs: 0, untilMs: 9e9 } })).toEqual([]);
    const incident = opened();
    const alerts = incident.alerts.map((alert) => ({ ...alert, heldBack: 'silence' as const }));
    expect(ask([{ ...incident, alerts, dueAtMs: 50_000 }])).toMatchObject([{ dueSinceMs: 50_000 }]);
  });

  it('only from the time at which its group may be sent', () => {
    const wait = { ...config, routes: [route('r', { groupWaitMs: 60_000 })] };
    expect(ask([opened()], { config: wait })).toMatchObject([{ dueSinceMs: 61_000 }]);
    const later = absorb(delivered(opened(), 1_000), transition('firing', 2_000, n2), 2_000);
    expect(ask([later])).toMatchObject([{ labels: n2, dueSinceMs: 301_000 }]);
  });

  it('when no incident holds it though a route names a channel for it, and not when none does', () => {
    expect(ask([], { alerts: [firing()] })).toMatchObject([{ dueSinceMs: 1_000, channels: [] }]);
    const nobody = { ...config, routes: [route('r', { channels: [] })] };
    expect(ask([], { alerts: [firing()], config: nobody })).toEqual([]);
    expect(ask([], { alerts: [{ ...firing(), status: 'pending' }] })).toEqual([]);
    expect(ask([], { alerts: [firing()], config: { ...config, rules: [] } })).toEqual([]);
  });

  it('when incidents know of an earlier firing of it only', () => {
    const again = { ...firing(), firedAtMs: 9_000 };
    expect(ask([delivered(opened(), 1_000)], { alerts: [again] })).toMatchObject([
      { firedAtMs: 9_000, channels: [] },
    ]);
    expect(ask([delivered(opened(), 1_000)], { alerts: [firing()] })).toEqual([]);
  });

  it('also if only a channel that is gone was sent it', () => {
    const gone = { ...delivered(opened(), 1_000), orphanedAtMs: 2_000 };
    const next = { ...failing(opened()), id: 'i2', channel: 'chat' };
    expect(ask([gone, next])).toEqual([]);
    expect(ask([{ ...gone, notified: {} }, next])).toHaveLength(1);
  });

  it('the longest owed first', () => {
    const two = absorb(opened(transition('firing', 5_000, n2), 5_000), transition('firing', 1_000), 1_000);
    expect(ask([two]).map(({ labels }) => labels.node)).toEqual(['n1', 'n2']);
  });
});

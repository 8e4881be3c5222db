import { describe, expect, it } from 'vitest';
import {
  absorb,
  delivered,
  n1,
  n2,
  opened,
  REPEAT_MS,
  route,
  rule,
  transition,
} from '../../test/incidents.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident } from '../model/incident.ts';
import type { Route } from '../model/route.ts';
import type { Versioned } from '../ports.ts';
import { beginAttempt } from './attempt.ts';
import { episodeOf } from './episode.ts';
import type { ReconcileInput } from './open-episodes.ts';
import { reconcile } from './reconcile.ts';
import { groupOf } from './routes.ts';

const NOW = 100_000;
const channels = (...names: (string | [string, string])[]) =>
  names.map((one) =>
    typeof one === 'string' ? { name: one } : { name: one[0], fallback: one[1] },
  ) as unknown as Config['channels'];
const firing = (labels = n1): Alert => ({
  id: `memory/${labels.node}`,
  rule: 'memory',
  labels,
  status: 'firing',
  sinceMs: 999,
  firedAtMs: 1_000,
  reason: 'threshold',
});
/** The incident where this route of today would have it. */
const inGroup = (incident: Incident, of: Route, channel = 'ops'): Incident => {
  const group = groupOf(of, rule(), n1);
  return {
    ...incident,
    route: of.name,
    channel,
    groupKey: group.key,
    groupLabels: group.labels,
    id: `${of.name}-${channel}`,
  };
};
const R = route('r');
const sent = delivered(opened(), 2_000);
const ended = (incident: Incident) => absorb(incident, transition('resolved', 9_000), 9_000);

/** What is open afterwards: `route channel: node:status(what the channel was sent)`, and what is written in which order. */
function reconciled(
  values: readonly Incident[],
  change: Partial<Omit<ReconcileInput, 'config' | 'incidents'>> & {
    routes?: Route[];
    channels?: Config['channels'];
  } = {},
) {
  const { routes = [R], channels: known = channels('ops', 'mail', 'spare'), ...rest } = change;
  const incidents = values.map((value): Versioned<Incident> => ({ value, version: 3 }));
  const result = reconcile({
    incidents,
    firing: [firing()],
    onTheirWay: new Set(),
    alone: false,
    retryNow: false,
    nowMs: NOW,
    ...rest,
    config: { rules: [rule()], routes, channels: known },
  });
  const after = new Map(incidents.map((one) => [one.value.id, one]));
  for (const { value, version } of [...result.gained, ...result.settled]) {
    // Each write names the version that it finds.
    expect(version).toBe(after.get(value.id)?.version ?? 0);
    after.set(value.id, { value, version: version + 1 });
  }
  const all = [...after.values()].map(({ value }) => value);
  const open = all.filter(({ closedAtMs }) => closedAtMs === undefined);
  const lines = open.map(({ route: name, channel, alerts, notified }) => {
    const texts = alerts.map(
      (alert) => `${alert.labels.node}:${alert.status}(${notified[episodeOf(alert)] ?? ''})`,
    );
    return `${name} ${channel}: ${texts.join(' ')}`;
  });
  return { ...result, lines, all, open };
}

describe('after a change of the configuration', () => {
  it('nothing moves where everything is in its place', () => {
    for (const incident of [opened(), sent]) {
      const { gained, settled, lines } = reconciled([inGroup(incident, R)]);
      expect([gained, settled]).toEqual([[], []]);
      expect(lines).toHaveLength(1);
    }
  });

  it.each<[string, Route]>([
    ['a renamed route', route('q')],
    ['another group', route('r', { groupBy: ['node'] })],
  ])('what a channel was sent moves along to %s', (_, today) => {
    const { lines, open, all, gained, settled } = reconciled([inGroup(sent, R)], { routes: [today] });
    expect(lines).toEqual([`${today.name} ops: n1:firing(firing)`]);
    expect(open[0]).toMatchObject({
      lastNotifiedAtMs: 2_000,
      dueAtMs: 2_000 + REPEAT_MS,
      rules: { memory: rule() },
      groupKey: groupOf(today, rule(), n1).key,
    });
    // Written first where it comes, so that a crash in between loses nothing.
    expect(gained.map(({ version }) => version)).toEqual([0]);
    expect(settled.map(({ value }) => [value.id, value.alerts, value.closedAtMs])).toEqual([
      ['r-ops', [], NOW],
    ]);
    expect(all).toHaveLength(2);
  });

  it('an incident that is there gains what moves, and keeps the later of the times', () => {
    const other = inGroup(delivered(opened(transition('firing', 3_000, n2), 3_000), 4_000), route('q'));
    const { lines, open, gained } = reconciled([inGroup(sent, R), other], {
      routes: [route('q')],
      firing: [firing(), { ...firing(n2), firedAtMs: 3_000 }],
    });
    expect(lines).toEqual(['q ops: n2:firing(firing) n1:firing(firing)']);
    expect(open[0]).toMatchObject({ lastNotifiedAtMs: 4_000 });
    expect(gained).toMatchObject([{ version: 3, value: { id: 'q-ops' } }]);
  });

  it('an alert that is in both is in one, and what was sent of it counts', () => {
    const { lines } = reconciled([inGroup(sent, R), inGroup(opened(), route('q'))], { routes: [route('q')] });
    expect(lines).toEqual(['q ops: n1:firing(firing)']);
  });

  it.each<[string, Incident, string[]]>([
    ['was sent keeps it, for its end', sent, ['r ops: n1:firing(firing)', 'r mail: n1:firing()']],
    ['was not sent loses it', opened(), ['r mail: n1:firing()']],
  ])(
    'a channel that routes name no more and that %s; another is sent the firing',
    (_, incident, expected) => {
      const { lines, open } = reconciled([inGroup(incident, R)], {
        routes: [route('r', { channels: ['mail'] })],
      });
      expect(lines).toEqual(expected);
      expect(open.at(-1)).toMatchObject({ channel: 'mail', dueAtMs: 1_000, alerts: [{ enteredAtMs: NOW }] });
    },
  );

  it('another channel is not sent what has ended, unless nobody was sent it', () => {
    const to = { routes: [route('r', { channels: ['mail'] })], firing: [] };
    expect(reconciled([inGroup(ended(sent), R)], to).lines).toEqual(['r ops: n1:resolved(firing)']);
    expect(reconciled([inGroup(ended(opened()), R)], to).lines).toEqual(['r mail: n1:resolved()']);
  });

  it('a channel that is gone remembers what it was sent while that fires; others are sent the firing', () => {
    const { lines, open } = reconciled([inGroup(sent, R)], {
      routes: [route('r', { channels: ['mail'] })],
      channels: channels('mail'),
    });
    expect(lines).toEqual(['r ops: n1:firing(firing)', 'r mail: n1:firing()']);
    expect(open[0]).toMatchObject({ orphanedAtMs: NOW });
    expect(open[0]).not.toHaveProperty('dueAtMs');
  });

  it('the end of what only a channel that is gone was sent goes to another', () => {
    const { lines } = reconciled([inGroup(ended(sent), R)], {
      routes: [route('r', { channels: ['mail'] })],
      channels: channels('mail'),
      firing: [],
    });
    expect(lines).toEqual(['r mail: n1:resolved(firing)']);
  });

  it('what was outstanding and has nowhere to go is given back', () => {
    const { unrouted, lines } = reconciled([inGroup(ended(sent), R)], {
      routes: [],
      channels: [],
      firing: [],
    });
    expect(unrouted.map(episodeOf)).toEqual(['memory/n1@1000']);
    expect(lines).toEqual([]);
    // What fires is kept by the channel that was sent it, and is in state.
    expect(reconciled([inGroup(sent, R)], { routes: [] }).unrouted).toEqual([]);
    expect(
      reconciled([inGroup(ended(delivered(opened(), 1_000)), R)], { routes: [], firing: [] }).unrouted,
    ).toEqual([]);
  });

  it('an alert that no incident holds comes to each channel of its routes', () => {
    const { lines, gained } = reconciled([], { routes: [route('r', { channels: ['ops', 'mail'] })] });
    expect(lines).toEqual(['r ops: n1:firing()', 'r mail: n1:firing()']);
    expect(gained).toMatchObject([
      { version: 0, value: { openedAtMs: NOW, dueAtMs: 1_000 } },
      { version: 0, value: { openedAtMs: NOW, dueAtMs: 1_000 } },
    ]);
  });

  it('a new channel is told who was sent it before by others that hold it', () => {
    const known = inGroup(sent, R);
    const heardBy = { ...known, alerts: known.alerts.map((alert) => ({ ...alert, heardBy: ['mail'] })) };
    const { lines, open } = reconciled([heardBy], {
      routes: [route('r', { channels: ['ops', 'mail', 'spare'] })],
    });
    // Mail was sent it by an incident of its own.
    expect(lines).toEqual(['r ops: n1:firing(firing)', 'r spare: n1:firing()']);
    expect(open[1]?.alerts[0]?.heardBy).toEqual(['mail']);
  });

  it('withheld alerts are due now, to be decided', () => {
    const held = inGroup(sent, R);
    const silenced = {
      ...held,
      notified: {},
      alerts: held.alerts.map((alert) => ({ ...alert, heldBack: 'silence' as const })),
    };
    expect(reconciled([silenced]).open[0]?.dueAtMs).toBe(NOW);
  });
});

describe('while a sender is at work', () => {
  const attempt = beginAttempt(opened(), { alerts: opened().alerts, reason: 'first' }, NOW - 1_000);
  const leased = { ...inGroup(opened(), R), attempt };

  it('its incident is left as it is, and its channel gets the alert nowhere else', () => {
    const result = reconciled([leased], { routes: [route('q')] });
    expect(result).toMatchObject({ gained: [], settled: [], leased: 1 });
    expect(result.lines).toEqual(['r ops: n1:firing()']);
  });

  it('nothing moves into it', () => {
    const target = { ...inGroup(opened(transition('firing', 3_000, n2), 3_000), route('q')), attempt };
    const result = reconciled([inGroup(sent, R), target], {
      routes: [route('q')],
      firing: [firing(), { ...firing(n2), firedAtMs: 3_000 }],
    });
    expect(result).toMatchObject({ gained: [], settled: [], leased: 1 });
    expect(result.lines).toEqual(['r ops: n1:firing(firing)', 'q ops: n2:firing()']);
  });

  it('other channels are sent what they lack', () => {
    const result = reconciled([leased], { routes: [route('r', { channels: ['ops', 'mail'] })] });
    expect(result.lines).toEqual(['r ops: n1:firing()', 'r mail: n1:firing()']);
  });
});

describe('a fallback', () => {
  const of = (incident: Incident, standsInFor: string, channel = 'spare') => ({
    ...inGroup(incident, R, channel),
    standsInFor,
  });
  const standIn = (incident: Incident) => ({
    ...incident,
    alerts: incident.alerts.map((alert) => ({ ...alert, standIn: 'firing' as const })),
  });
  const failed = inGroup(opened(), R);

  it.each<[string, Config['channels'], string[]]>([
    [
      'of the channel that routes name keeps what it was not sent yet',
      channels(['ops', 'spare'], 'spare'),
      ['r ops: n1:firing()', 'r spare: n1:firing()'],
    ],
    [
      'that is no fallback any more loses it',
      channels(['ops', 'mail'], 'mail', 'spare'),
      ['r ops: n1:firing()'],
    ],
  ])('%s', (_, known, expected) => {
    expect(reconciled([failed, of(opened(), 'ops')], { channels: known }).lines).toEqual(expected);
  });

  it('of a fallback keeps it as well', () => {
    const known = channels(['ops', 'mail'], ['mail', 'spare'], 'spare');
    const { lines } = reconciled([failed, of(opened(), 'ops', 'mail'), of(opened(), 'mail')], {
      channels: known,
    });
    expect(lines).toEqual(['r ops: n1:firing()', 'r mail: n1:firing()', 'r spare: n1:firing()']);
  });

  it('in a circle ends the search', () => {
    const known = channels(['mail', 'spare'], ['spare', 'mail'], 'ops');
    const { lines } = reconciled([failed, of(opened(), 'mail')], { channels: known });
    expect(lines).toEqual(['r ops: n1:firing()']);
  });

  it.each<[string, Incident[], boolean]>([
    ['is there and was sent the firing', [of(sent, 'ops')], true],
    ['is gone', [], false],
    ['was not sent it', [of(opened(), 'ops')], false],
    ['is a channel of its own, and stands in for nobody', [{ ...inGroup(sent, R, 'spare') }], false],
  ])('that %s: the channel that failed counts on it: %s', (_, others, counts) => {
    const { open } = reconciled([standIn(failed), ...others], {
      channels: channels(['ops', 'spare'], 'spare'),
    });
    expect(open[0]?.alerts[0]?.standIn).toBe(counts ? 'firing' : undefined);
  });
});

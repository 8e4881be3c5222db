import { describe, expect, it } from 'vitest';
import { PermanentError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { reportAlerts, reportPast } from '../core/stages/alert-report.ts';
import { silenceOf } from '../test/contract/state-silences.ts';
import {
  clear,
  createStageFixture,
  fire,
  MINUTE,
  memory,
  nodeDown,
  route,
  START,
} from '../test/stage-fixture.ts';
import { alertTable, pastTable } from './alert-tables.ts';

const channels = ['ops', 'mail'].map((name) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
}));

function setupState() {
  const fixture = createStageFixture({
    channels,
    routes: [{ ...route, channels: ['ops', 'mail'] }],
    rules: [memory, nodeDown],
  });
  const config = fixture.config as Config;
  const now = () => fixture.time.clock.nowMs();
  return {
    fixture,
    report: () => reportAlerts(fixture.state, config, now()),
    table: async () =>
      alertTable(await reportAlerts(fixture.state, config, now()), {
        config,
        values: new Map(),
        nowMs: now(),
      }),
    past: (minutes: number) => reportPast(fixture.state, { fromMs: now() - minutes * MINUTE, toMs: now() }),
    pastTable: async (minutes: number) =>
      pastTable(
        await reportPast(fixture.state, { fromMs: now() - minutes * MINUTE, toMs: now() }),
        config,
        now(),
      ),
  };
}

describe('the report of `alerts`', () => {
  it('has the channels that an alert was sent to, each with its time', async () => {
    const { fixture, report, table } = setupState();
    fixture.answers.mail = async () => {
      throw new PermanentError('no such box');
    };
    await fire(fixture);
    await fixture.notify();
    const [alert] = await report();
    expect(alert?.sent).toEqual([
      { channel: 'ops', route: 'default', status: 'firing', atMs: START + 2 * MINUTE },
    ]);
    expect(alert).not.toHaveProperty('undelivered');
    expect(await table()).toMatch(/sent to ops 16:42 +memory-/);
    fixture.answers.mail = async () => undefined;
    await fixture.goTo(30);
    await fixture.notify();
    await fixture.goTo(63);
    await fixture.notify();
    expect(fixture.sentLines().at(-1)).toMatch(/^ops 2 repeat/);
    expect((await report())[0]?.sent.map(({ channel, atMs }) => [channel, atMs])).toEqual([
      ['ops', START + 2 * MINUTE],
      ['mail', START + 30 * MINUTE],
    ]);
  });

  it('has them also for an alert that had breached before the first evaluation of its rule', async () => {
    const { fixture, report } = setupState();
    for (const minute of [0, 1, 2, 3, 4, 5]) fixture.put(minute, { n1: 95 });
    await fixture.goTo(5);
    await fixture.evaluate(5);
    await fixture.notify();
    expect((await report())[0]?.sent.map(({ channel }) => channel)).toEqual(['ops', 'mail']);
  });

  it('has the time also when the route was renamed later, and for a channel that was removed', async () => {
    const { fixture, report, table } = setupState();
    await fire(fixture);
    await fixture.notify();
    const before = await report();
    fixture.config.routes = [{ ...route, name: 'renamed', channels: ['ops', 'mail'] }];
    await fixture.goTo(20);
    await fixture.notify();
    expect(fixture.sentLines()).toHaveLength(2);
    expect((await fixture.state.listIncidents({ open: true, limit: 9 })).map((one) => one.route)).toEqual([
      'renamed',
      'renamed',
    ]);
    expect((await report())[0]?.sent).toEqual(before[0]?.sent);
    expect(await table()).toContain('sent to ops 16:42, mail 16:42');
    fixture.config.channels = channels.slice(0, 1);
    fixture.config.routes = [{ ...route, name: 'renamed', channels: ['ops'] }];
    await fixture.goTo(21);
    await fixture.notify();
    expect(await table()).toContain('sent to ops 16:42, mail 16:42');
  });

  it('says that no channel accepted the alert, with the last error of each channel', async () => {
    const { fixture, report, table } = setupState();
    for (const name of ['ops', 'mail'])
      fixture.answers[name] = async () => {
        throw new PermanentError('gone, hunter2');
      };
    await fire(fixture);
    await fixture.notify();
    expect(await table()).toContain(
      'NOT SENT for 0s (ops, 1 try: gone, <secret>; mail, 1 try: gone, <secret>)',
    );
    expect((await report())[0]).toMatchObject({
      sent: [],
      undelivered: {
        sinceMs: START + 2 * MINUTE,
        channels: [{ channel: 'ops', tries: 1 }, { channel: 'mail' }],
      },
    });
  });

  it('says that no route takes the alert', async () => {
    const { fixture, table } = setupState();
    fixture.config.routes = [{ ...route, match: { cluster: ['other'] } }];
    await fire(fixture);
    await fixture.notify();
    expect(await table()).toContain('NOBODY: no route matches it');
    fixture.config.routes = [{ ...route, channels: [] }];
    expect(await table()).toContain('nobody, as its route has no channel');
  });

  it('names the silence or the alert that withholds it', async () => {
    const { fixture, report, table } = setupState();
    const covering = { matchers: [], fromMs: START, createdAtMs: START, alertId: 'other' };
    await fixture.state.putSilence(silenceOf('other', START + 90 * MINUTE, covering));
    const own = { matchers: [{ name: 'severity', op: '=' as const, value: 'warning' }], fromMs: START };
    await fixture.state.putSilence(silenceOf('0123456789', START + 60 * MINUTE, own));
    await fire(fixture);
    await fixture.notify();
    expect(await report()).toMatchObject([
      { silencedBy: [{ id: '0123456789', untilMs: START + 60 * MINUTE }], inhibitedBy: [], sent: [] },
    ]);
    expect(await table()).toMatch(/ silenced until 17:40 \(01234567\) +memory-/);
    const far = { match: { node: ['n1'] }, fromMs: START, untilMs: START + 400 * 24 * 60 * MINUTE };
    fixture.config.silences = [{ ...far, comment: 'for long' }];
    expect(await table()).toMatch(/ silenced until \d{4}-\d\d-\d\d 16:40:00 \(file:1\)/);
    fixture.config.silences = [];
    const [alert] = await report();
    const acknowledgement = {
      matchers: [],
      fromMs: START,
      createdAtMs: START + 3 * MINUTE,
      alertId: alert?.id,
    };
    await fixture.state.putSilence(silenceOf('acked678', START + 400 * 24 * 60 * MINUTE, acknowledgement));
    expect(await table()).toMatch(/ silenced until it resolves \(acked678\)/);
    expect((await report())[0]?.silencedBy).toContainEqual(expect.objectContaining({ alertId: alert?.id }));
    await fixture.state.putSilence(silenceOf('acked678', START + 70 * MINUTE, acknowledgement));
    expect(await table()).toMatch(/ silenced until it resolves, 17:50 at the latest \(acked678\)/);
    await fixture.state.expireSilence('acked678', START + 2 * MINUTE);
    for (const minute of [3, 4, 5]) fixture.put(minute, { n1: 0 }, 'up');
    await fixture.goTo(5);
    await fixture.evaluate(5);
    expect((await report()).find(({ rule }) => rule === 'memory')?.inhibitedBy).toEqual(['node-down']);
    expect(await table()).toContain('; inhibited by node-down');
  });

  it('names the higher tier that keeps an alert quiet', async () => {
    const { fixture, report } = setupState();
    const tier = { ...memory, inhibitedBy: [], condition: { kind: 'above' as const, threshold: 93 } };
    fixture.config.rules = [
      { ...tier, name: 'memory.critical' },
      { ...memory, name: 'memory.warning', supersededBy: ['memory.critical'] },
    ];
    await fire(fixture);
    const inhibitors = (await report()).map(({ rule, inhibitedBy }) => [rule, inhibitedBy]);
    expect(Object.fromEntries(inhibitors)).toEqual({
      'memory.critical': [],
      'memory.warning': ['memory.critical'],
    });
  });

  it('of the past has the channels too, also for a firing that began before the range', async () => {
    const { fixture, past, pastTable: text } = setupState();
    await fire(fixture);
    await fixture.notify();
    await clear(fixture, 10);
    await fixture.notify();
    const [firing] = await past(5);
    expect(firing).toMatchObject({
      status: 'ok',
      firedAtMs: START + 2 * MINUTE,
      resolvedAtMs: START + 10 * MINUTE,
      sent: [
        { channel: 'ops', status: 'firing', atMs: START + 2 * MINUTE },
        { channel: 'mail', status: 'firing' },
        { channel: 'ops', status: 'resolved', atMs: START + 10 * MINUTE },
        { channel: 'mail', status: 'resolved' },
      ],
    });
    expect(await text(60)).toMatch(
      /16:42 +16:50 +8m +warning +memory .*ops 16:42 firing, mail 16:42 firing, ops 16:50 res/,
    );
    await fixture.goTo(100);
    expect(await past(5)).toEqual([]);
    expect(await text(5)).toBe('nothing fired\n');
  });
});

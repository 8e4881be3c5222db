import { describe, expect, it } from 'vitest';
import {
  clear,
  createStageFixture,
  fire,
  MINUTE,
  memory,
  route,
  START,
  type StageFixture,
} from '../../test/stage-fixture.ts';
import { channel, passes, refuse, restarted } from '../../test/stage-restarts.ts';

async function firedAndSent(options: Parameters<typeof createStageFixture>[0] = {}): Promise<StageFixture> {
  const fixture = createStageFixture(options);
  await fire(fixture);
  await fixture.notify();
  return fixture;
}

describe('after a change of the configuration', () => {
  it.each([
    ['removed', []],
    ['shortened', [{ match: {}, fromMs: START, untilMs: START + 4 * MINUTE, comment: '' }]],
  ])('what a silence of years withheld is sent when that is %s', async (_, silences) => {
    const fixture = createStageFixture();
    fixture.config.silences = [{ match: {}, fromMs: START, untilMs: START + 1e9 * MINUTE, comment: '' }];
    await fire(fixture);
    await fixture.notify();
    const next = restarted(fixture, {}, 5);
    next.config.silences = silences;
    await next.notify();
    expect(next.sentLines()).toEqual(['ops 1 silence-ended firing n1:firing']);
  });

  it('a silence that comes withholds what was not sent', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = refuse;
    await fire(fixture);
    await fixture.notify();
    const next = restarted(fixture, {}, 8);
    next.config.silences = [{ match: {}, fromMs: START, untilMs: START + 1e6 * MINUTE, comment: '' }];
    await passes(next, [8, 9, 20]);
    expect(next.sent).toEqual([]);
  });

  it('a renamed channel is sent what was due to the old one, and the end of what that one was sent', async () => {
    const fixture = await firedAndSent();
    const renamed = { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] };
    const firing = restarted(fixture, renamed, 3);
    await firing.notify();
    expect(firing.sentLines()).toEqual(['chat 1 first firing n1:firing']);
    await clear(firing, 4);
    await passes(firing, [4, 5, 9]);
    expect(firing.sentLines().slice(1)).toEqual(['chat 2 all-resolved resolved n1:resolved']);
    expect(await firing.state.openIncidents()).toEqual([]);
  });

  it('the resolved message that was due when a channel was removed is sent by its successor', async () => {
    const fixture = await firedAndSent();
    fixture.answers.ops = refuse;
    await clear(fixture, 4);
    await fixture.notify();
    const next = restarted(
      fixture,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      6,
    );
    await next.notify();
    expect(next.sentLines()).toEqual(['chat 1 all-resolved resolved n1:resolved']);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('an alert that fired and resolved is sent once, by the successor of the channel', async () => {
    const fixture = createStageFixture();
    fixture.answers.ops = refuse;
    await fire(fixture);
    await fixture.notify();
    await clear(fixture, 4);
    await fixture.notify();
    const next = restarted(
      fixture,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      6,
    );
    await passes(next, [6, 7, 12]);
    expect(next.sentLines()).toEqual(['chat 1 fired-and-resolved resolved n1:resolved']);
  });

  it('a channel that is added to the route is sent what fires; the others are sent nothing again', async () => {
    const fixture = await firedAndSent();
    const both = {
      routes: [{ ...route, channels: ['ops', 'pager'] }],
      channels: [channel('ops'), channel('pager')],
    };
    const next = restarted(fixture, both, 3);
    await passes(next, [3, 4, 9]);
    expect(next.sentLines()).toEqual(['pager 1 first firing n1:firing']);
    await clear(next, 10);
    await next.notify();
    expect(next.sentLines().slice(1).sort()).toEqual([
      'ops 2 all-resolved resolved n1:resolved',
      'pager 2 all-resolved resolved n1:resolved',
    ]);
  });

  it('a route that sent to nobody and now names a channel sends what fires', async () => {
    const fixture = await firedAndSent({ routes: [{ ...route, channels: [] }] });
    expect(fixture.counted.get('transitions_unrouted_total')).toBeUndefined();
    const next = restarted(fixture, {}, 3);
    await next.notify();
    expect(next.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  });

  it.each([
    ['a renamed route', { ...route, name: 'other' }],
    ['another groupBy', { ...route, groupBy: ['cluster', 'node'] }],
    ['a route in front', { ...route, name: 'front', match: { node: ['n1'] } }],
  ])('%s sends nothing again, keeps the pace of reminders, and sends the end', async (_, changed) => {
    const fixture = await firedAndSent();
    const next = restarted(
      fixture,
      { routes: [changed, route].slice(0, changed.name === 'front' ? 2 : 1) },
      30,
    );
    await passes(next, [30, 40, 61.9]);
    expect(next.sentLines()).toEqual([]);
    await passes(next, [62]);
    expect(next.sentLines()).toEqual([expect.stringMatching(/^ops \d repeat firing n1:firing$/)]);
    await clear(next, 70);
    await next.notify();
    expect(next.sentLines().slice(1)).toEqual([
      expect.stringMatching(/^ops \d all-resolved resolved n1:resolved$/),
    ]);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('catching up is one message for a channel and group, however many incidents there were', async () => {
    const byNode = { routes: [{ ...route, groupBy: ['node'] }] };
    const fixture = createStageFixture(byNode);
    for (const minute of [0, 1, 2]) fixture.put(minute, { n1: 95, n2: 99 });
    await fixture.goTo(2);
    await fixture.evaluate(2);
    await fixture.notify();
    expect(fixture.sent).toHaveLength(2);
    const next = restarted(
      fixture,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      3,
    );
    await next.notify();
    expect(next.sentLines()).toEqual(['chat 1 first firing n2:firing+n1:firing']);
  });

  it('a route that no longer names a channel still sends it the end of what it was sent, and nothing else', async () => {
    const both = {
      routes: [{ ...route, channels: ['ops', 'pager'] }],
      channels: [channel('ops'), channel('pager')],
    };
    const fixture = createStageFixture(both);
    fixture.answers.pager = refuse;
    await fire(fixture);
    await fixture.notify();
    const neither = {
      routes: [{ ...route, channels: ['chat'] }],
      channels: [...both.channels, channel('chat')],
    };
    const next = restarted(fixture, neither, 10);
    await next.notify();
    expect(next.sentLines()).toEqual(['chat 1 first firing n1:firing']);
    await clear(next, 20);
    await next.notify();
    expect(next.sentLines().slice(1).sort()).toEqual([
      'chat 2 all-resolved resolved n1:resolved',
      'ops 2 all-resolved resolved n1:resolved',
    ]);
  });

  it('a name that comes back is not sent the same firing again', async () => {
    const fixture = await firedAndSent();
    const away = restarted(
      fixture,
      { routes: [{ ...route, channels: ['chat'] }], channels: [channel('chat')] },
      3,
    );
    await away.notify();
    const back = restarted(fixture, {}, 5);
    await passes(back, [5, 6, 11]);
    expect(back.sentLines()).toEqual([]);
    await clear(back, 12);
    await back.notify();
    expect(back.sentLines()).toEqual(['ops 2 all-resolved resolved n1:resolved']);
  });

  it('a due message without a destination is dropped, counted and logged', async () => {
    const fixture = await firedAndSent();
    fixture.answers.ops = refuse;
    await clear(fixture, 4);
    await fixture.notify();
    const next = restarted(fixture, { routes: [{ ...route, channels: [] }], channels: [channel('chat')] }, 6);
    await next.notify();
    expect(next.counted.get('alerts_dropped_total')).toBe(1);
    expect(await next.state.openIncidents()).toEqual([]);
  });

  it('a message follows a rule as it is today', async () => {
    const fixture = await firedAndSent();
    const stricter = {
      ...memory,
      condition: { kind: 'above', threshold: 80 } as const,
      severity: 'critical' as const,
    };
    const next = restarted(fixture, { rules: [stricter] }, 62);
    await next.notify();
    expect(next.sent[0]?.notification).toMatchObject({
      severity: 'critical',
      alerts: [{ conditionText: '> 80%', severity: 'critical' }],
    });
  });

  it('nothing changes without a change, and a message under way is left to its sender', async () => {
    const fixture = await firedAndSent();
    // A store that many processes share is read once more a minute later.
    await passes(fixture, [3.5]);
    let writes = 0;
    const { commitIncidents } = fixture.state;
    fixture.state.commitIncidents = async (commit) => {
      writes++;
      await commitIncidents(commit);
    };
    await passes(fixture, [4, 5, 6]);
    expect(writes).toBe(0);
  });
});

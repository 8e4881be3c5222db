import { describe, expect, it } from 'vitest';
import { absorb, n2, opened, route, rule, transition } from '../../test/incidents.ts';
import { describeOrphans, findOrphans } from './orphans.ts';

describe('open incidents of what is gone', () => {
  const incident = { ...opened(), route: 'default', channel: 'chat' };
  const channel = (name: string) => ({ name, type: 'webhook', theme: 'dark' as const, options: {} });
  const config = (channels: string[], routeName: string, to = channels) => ({
    channels: channels.map(channel),
    routes: [route(routeName, { channels: to })],
    rules: [rule('memory')],
  });
  const described = (...given: Parameters<typeof config>) =>
    describeOrphans(findOrphans([incident], config(...given)));

  it('are none while both are there, or when they are closed or hold nothing', () => {
    expect(described(['chat'], 'default')).toEqual([]);
    expect(findOrphans([{ ...incident, closedAtMs: 1 }], config([], 'x'))).toEqual([]);
    expect(findOrphans([{ ...incident, alerts: [] }], config([], 'x'))).toEqual([]);
  });

  it('name the channel, the route or both, and where what is owed goes', () => {
    expect(findOrphans([incident], config(['ops'], 'default'))).toMatchObject([
      { gone: 'channel', channel: 'chat', firing: 1, ended: 0, goesTo: ['ops'] },
    ]);
    expect(described(['ops'], 'default')).toEqual([
      "1 firing alert of channel `chat`, which is not configured any more; what is owed goes to `ops`, as today's routes say",
    ]);
    expect(described(['chat'], 'renamed')[0]).toContain('of route `default`, which is not');
    expect(described(['ops'], 'renamed')[0]).toContain(
      'of route `default` and channel `chat`, which are not',
    );
    expect(described(['ops'], 'default', [])[0]).toContain('nobody will be told more');
  });

  it('count what fires and what has ended, and go nowhere where the rule is not known', () => {
    const both = absorb(
      absorb(opened(), transition('firing', 2_000, n2), 2_000),
      transition('resolved', 3_000),
      3_000,
    );
    const unknown = { ...both, route: 'default', channel: 'chat', rules: {} };
    const gone = { ...config(['ops'], 'default'), rules: [] };
    expect(findOrphans([unknown], gone)).toMatchObject([{ firing: 1, ended: 1, goesTo: [] }]);
    // A rule that was removed routes its alerts as it did when they fired.
    expect(findOrphans([{ ...unknown, rules: both.rules }], gone)).toMatchObject([{ goesTo: ['ops'] }]);
    expect(describeOrphans(findOrphans([unknown], gone))[0]).toMatch(
      /^1 firing alert and 1 ended alert of channel/,
    );
  });

  it('that were settled are remembered, and owe nothing', () => {
    const settled = { ...incident, orphanedAtMs: 5 };
    expect(describeOrphans(findOrphans([settled], config(['ops'], 'default')))).toEqual([
      '1 firing alert of channel `chat`, which is not configured any more; what was owed has gone to `ops`; what was sent is remembered in case it comes back',
    ]);
  });

  it('are told together where route and channel are the same', () => {
    const all = [incident, { ...incident, id: 'i2' }];
    expect(describeOrphans(findOrphans(all, config(['ops'], 'default')))).toEqual([
      expect.stringContaining('2 firing alerts of channel `chat`'),
    ]);
  });
});

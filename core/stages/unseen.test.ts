// What becomes of an alert whose check cannot see its series any more, or is not configured any more.

import { describe, expect, it } from 'vitest';
import { createStageFixture, MINUTE, memory, START } from '../../test/stage-fixture.ts';
import type { Check } from '../model/check.ts';
import type { Rule } from '../model/rule.ts';
import { historyText } from '../notify/text.ts';

const leader: Rule = {
  ...memory,
  name: 'leader',
  metric: 'etcd_has_leader',
  condition: { kind: 'below', threshold: 1 },
  forMs: 0,
  inhibitedBy: [],
};
const failing: Rule = { ...leader, name: 'failing', metric: 'probe_success', forMs: 15 * MINUTE };
const clusterLeader: Rule = {
  ...leader,
  name: 'cluster',
  aggregate: { by: ['cluster'], op: 'min' },
};
const usage: Check = { name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} };
const etcd: Check = { ...usage, name: 'etcd', probe: 'etcd' };

/** What the check of etcd does on n1 in a round; it always sees n2, which has no leader problem. */
type Round = 'sees none' | 'sees one' | 'lacks it' | 'fails' | 'is partial';

function createTrial(rules: Rule[], checks: Check[] = [usage, etcd]) {
  const fixture = createStageFixture({ rules });
  fixture.config.checks = checks;
  const labelsOf = (node: string) => ({ cluster: 'prod', node, role: 'etcd' as const });
  const write = async (minute: number, node: string, round: Round) => {
    const timeMs = START + minute * MINUTE;
    const labels = labelsOf(node);
    const ofCheck = { ...labels, check: 'etcd' };
    const value = { 'sees none': 0, 'sees one': 1 }[round as string];
    await fixture.ports.store.write([
      { metric: 'up', labels, timeMs, value: 1 },
      { metric: 'probe_success', labels: ofCheck, timeMs, value: round === 'fails' ? 0 : 1 },
      ...(round === 'is partial' ? [{ metric: 'probe_partial', labels: ofCheck, timeMs, value: 1 }] : []),
      ...(value === undefined ? [] : [{ metric: 'etcd_has_leader', labels, timeMs, value }]),
    ]);
  };
  return {
    fixture,
    /** @returns `MINUTE RULE SUBJECT KIND REASON` of each transition */
    async rounds(from: number, to: number, round: Round, everyMinutes = 1): Promise<string[]> {
      const seen: string[] = [];
      for (let minute = from; minute <= to; minute++) {
        await write(minute, 'n1', round);
        await write(minute, 'n2', 'sees one');
        await fixture.goTo(minute);
        if (minute % everyMinutes !== 0 && minute !== to) continue;
        for (const { rule, labels, kind, reason, atMs } of await fixture.evaluate(minute))
          seen.push(`${(atMs - START) / MINUTE} ${rule} ${labels.node ?? labels.cluster} ${kind} ${reason}`);
      }
      return seen;
    },
  };
}

describe('an alert whose check', () => {
  it.each([1, 7, 300])(
    'cannot be made stays, and the rule on that fires (evaluated every %i m)',
    async (every) => {
      const trial = createTrial([leader, failing]);
      expect(await trial.rounds(0, 0, 'sees none')).toEqual(['0 leader n1 firing threshold']);
      expect(await trial.rounds(1, 300, 'fails', every)).toEqual([
        '1 failing n1 pending threshold',
        '16 failing n1 firing threshold',
      ]);
      expect(await trial.rounds(301, 301, 'sees one')).toEqual([
        '301 leader n1 resolved threshold',
        '301 failing n1 resolved threshold',
      ]);
    },
  );

  it('sees a part only stays', async () => {
    const trial = createTrial([leader, failing]);
    await trial.rounds(0, 0, 'sees none');
    expect(await trial.rounds(1, 300, 'is partial')).toEqual([]);
  });

  it('sees all, and this no more, ends after an hour of such rounds; its state is unknown', async () => {
    const trial = createTrial([leader]);
    await trial.rounds(0, 0, 'sees none');
    await trial.fixture.notify();
    expect(await trial.rounds(1, 30, 'lacks it')).toEqual([]);
    expect(await trial.rounds(31, 60, 'fails')).toEqual([]);
    expect(await trial.rounds(61, 61, 'lacks it')).toEqual(['61 leader n1 resolved stale']);
    await trial.fixture.notify();
    const { notification } = trial.fixture.sent.at(-1) ?? {};
    const [alert] = notification?.alerts ?? [];
    expect(notification && alert && historyText(alert, notification)).toMatch(
      /resolved \S+ after 1h1m as its series is gone: its state is unknown$/,
    );
  });
});

describe('the store is asked for rounds that show nothing', () => {
  it.each<[string, Rule, boolean]>([
    ['while an alert of a check is open', leader, true],
    ['but not for a rule on nodes', { ...leader, name: 'down', metric: 'up' }, false],
    ['but not for a metric of `usage`', memory, false],
  ])('%s', async (_, rule, isAsked) => {
    const trial = createTrial([rule]);
    const { store } = trial.fixture.ports;
    const asked: string[] = [];
    const { query } = store;
    store.query = (request) => {
      asked.push(request.metric);
      return query(request);
    };
    // The first evaluation goes back further.
    await trial.rounds(0, 0, 'sees one');
    asked.length = 0;
    await trial.rounds(1, 1, 'sees one');
    expect(asked).not.toContain('probe_partial');
    const labels = { cluster: 'prod', node: 'n1', role: 'etcd' };
    for (const minute of [2, 3, 4]) {
      const timeMs = START + minute * MINUTE;
      await store.write([
        { metric: rule.metric, labels, timeMs, value: rule.condition.kind === 'below' ? 0 : 99 },
      ]);
      await trial.fixture.goTo(minute);
      await trial.fixture.evaluate(minute);
    }
    expect(asked.includes('probe_partial')).toBe(isAsked);
  });
});

describe('an alert whose check is removed', () => {
  const where = (name: string) => ({ ...etcd, where: { node: [name] } });
  it.each<[string, Check[], string[]]>([
    ['altogether', [usage], ['2 leader n1 resolved check-removed', '2 failing n1 cancelled check-removed']],
    [
      'and another of its kind has its nodes',
      [usage, { ...etcd, name: 'other' }],
      ['2 failing n1 cancelled check-removed'],
    ],
    [
      'from its node',
      [usage, where('n2')],
      ['2 leader n1 resolved check-removed', '2 failing n1 cancelled check-removed'],
    ],
    ['from another node', [usage, where('n1')], []],
  ])('%s', async (_, checks, expected) => {
    const trial = createTrial([leader, failing]);
    await trial.rounds(0, 0, 'sees none');
    expect(await trial.rounds(1, 1, 'fails')).toEqual(['1 failing n1 pending threshold']);
    trial.fixture.config.checks = checks;
    expect(await trial.rounds(2, 2, 'fails')).toEqual(expected);
    expect(await trial.rounds(3, 30, 'fails')).toEqual(
      expected.length === 0 ? ['16 failing n1 firing threshold'] : [],
    );
  });

  it('fires anew when it is configured again', async () => {
    const trial = createTrial([leader]);
    await trial.rounds(0, 0, 'sees none');
    trial.fixture.config.checks = [usage];
    expect(await trial.rounds(1, 3, 'sees none')).toEqual(['1 leader n1 resolved check-removed']);
    trial.fixture.config.checks = [usage, etcd];
    expect(await trial.rounds(4, 4, 'sees none')).toEqual(['4 leader n1 firing revised']);
  });

  it('and measured a group ends that', async () => {
    const trial = createTrial([clusterLeader]);
    await trial.rounds(0, 0, 'sees none');
    trial.fixture.config.checks = [usage];
    expect(await trial.rounds(1, 1, 'sees none')).toEqual(['1 cluster prod resolved check-removed']);
  });
});

import { describe, expect, it } from 'vitest';
import { sampleAlert } from '../../test/contract/notifications.ts';
import type { Rule } from '../model/rule.ts';
import { labelsText, renderSummary } from './summary.ts';

const rule: Rule = {
  name: 'memory-usage',
  title: 'Memory usage',
  metric: 'mem_usage',
  where: {},
  condition: { kind: 'above', threshold: 90 },
  forMs: 600_000,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
};
const alert = sampleAlert({ labels: { cluster: 'prod', node: 'n1', role: 'etcd' } });
const later = alert.firedAtMs + 300_000;
const summary = (
  template: string | undefined,
  extra: Partial<typeof alert> = {},
  extraRule: Partial<Rule> = {},
) =>
  renderSummary(
    { ...rule, ...(template === undefined ? {} : { summary: template }), ...extraRule },
    { ...alert, ...extra },
    { nowMs: later, timeZone: 'UTC' },
  );

describe('a firing alert', () => {
  it.each([
    ['{{node}} has used {{value}} for {{held}}', 'n1 has used 94.1% for 15m'],
    ['over {{threshold}}: {{ condition }}', 'over 90%: > 90%'],
    ['{{rule}} {{title}} {{metric}} {{severity}}', 'memory-usage Memory usage mem_usage warning'],
    ['{{cluster}}/{{role}}', 'prod/etcd'],
    ['{{nobody}} {{constructor}} {{__proto__}}', '– – –'],
    ['{node} {{}} {{no de}} $& $1', '{node} {{}} {{no de}} $& $1'],
    ['two\n lines\t', 'two lines'],
    [undefined, 'Memory usage: 94.1% (> 90%) for 15m'],
  ])('%j becomes %j', (template, text) => {
    expect(summary(template)).toBe(text);
  });

  it('prefers a label to a field of that name', () => {
    expect(summary('{{value}}', { labels: { value: 'mine' } })).toBe('mine');
  });

  it('puts a template in a label through as it is', () => {
    expect(summary('{{node}}', { labels: { node: '{{value}} $&' } })).toBe('{{value}} $&');
  });

  it('tells a state by its name, and a missing value by a dash', () => {
    const up = { metric: 'up', condition: { kind: 'below', threshold: 1 } } as const;
    expect(summary('{{node}} is {{value}}', { value: 0 }, up)).toBe('n1 is down');
    expect(summary('{{value}}', { value: undefined })).toBe('–');
  });
});

describe('a forecast', () => {
  const ahead = {
    title: 'Disk fills',
    metric: 'disk_usage',
    window: { lastMs: 21_600_000, reduce: 'forecast', aheadMs: 86_400_000 },
  } as const;
  it.each([
    ['breaches', {}, 'Disk fills: forecast to be 94.1% (> 90% in 24h), has been for 15m'],
    [
      'is between',
      { value: 88 },
      'Disk fills: forecast to be 88%, was > 90% in 24h, not recovered after 15m',
    ],
    [
      'recovers',
      { value: 60, clearedAtMs: later },
      'Disk fills: forecast to be 60%, was > 90% in 24h for 15m, recovering since 09:15',
    ],
    ['lacks data', { reason: 'no-data', value: undefined }, 'Disk fills: no data since 09:00'],
    [
      'has data again',
      { reason: 'no-data', value: 95 },
      'Disk fills: forecast to be 95%, had no data from 09:00',
    ],
    [
      'has ended',
      { status: 'resolved', value: 60, resolvedAtMs: later },
      'Disk fills: ended at a forecast of 60%, was > 90% in 24h for 15m',
    ],
    [
      'was removed',
      { status: 'resolved', reason: 'removed', resolvedAtMs: later },
      'Disk fills: over after 15m',
    ],
  ] as const)('says that it is one when it %s', (_, extra, text) => {
    expect(summary(undefined, extra, ahead)).toBe(text);
  });

  it("fills the rule's own summary", () => {
    const text = '{{node}} is forecast to be {{condition}}: {{value}} over {{threshold}}';
    expect(summary(text, {}, ahead)).toBe('n1 is forecast to be > 90% in 24h: 94.1% over 90%');
    expect(summary('within {{ahead}}, by the last {{window}}', {}, ahead)).toBe('within 24h, by the last 6h');
    expect(summary('within {{ahead}}, by the last {{window}}')).toBe('within –, by the last –');
  });
});

it('tells the time of a value that is not current, with its day where that is another', () => {
  expect(summary('{{value}}', { valueAtMs: alert.firedAtMs })).toBe('94.1% at 09:10');
  expect(summary('{{value}}', { valueAtMs: alert.firedAtMs - 86_400_000 })).toBe('94.1% at 23 Nov 09:10');
});

describe('what a rule says of a breach is not said where there is none', () => {
  const own = '{{node}} has used {{value}} for {{held}}';
  const cleared = alert.firedAtMs + 60_000;
  it.each([
    [
      'it recovers',
      { value: 60, clearedAtMs: cleared },
      'Memory usage: 60%, was > 90% for 11m, recovering since 09:11',
    ],
    ['it has not fallen far enough', { value: 85 }, 'Memory usage: 85%, was > 90%, not recovered after 15m'],
    [
      'it fired for missing data',
      { reason: 'no-data', value: undefined },
      'Memory usage: no data since 09:00',
    ],
    ['data are back', { reason: 'no-data' }, 'Memory usage: 94.1%, had no data from 09:00'],
    [
      'data are back and good',
      { reason: 'no-data', value: 60, clearedAtMs: cleared },
      'Memory usage: 60%, had no data from 09:00, recovering since 09:11',
    ],
    ['it breaches', {}, 'n1 has used 94.1% for 15m'],
  ] as const)('%s', (_, extra, text) => {
    expect(summary(own, extra, { recoveryThreshold: 80 })).toBe(text);
  });
  it('of a state', () => {
    const up = { metric: 'up', title: 'Node down', condition: { kind: 'below', threshold: 1 } } as const;
    expect(summary(undefined, { value: 0 }, up)).toBe('Node down for 15m');
    expect(summary(undefined, { value: 1 }, up)).toBe('Node down: up, not recovered after 15m');
    expect(summary(undefined, { value: 1, clearedAtMs: cleared }, up)).toBe(
      'Node down: up after 11m, recovering since 09:11',
    );
  });
  it('nor is a time counted in which nobody knew', () => {
    expect(summary(own, { valueAtMs: cleared })).toBe('n1 has used 94.1% at 09:11 for 11m');
    expect(summary(own, { noDataSinceMs: cleared })).toBe('n1 has used 94.1% for 11m');
  });
});

describe('a resolved alert', () => {
  const over = { status: 'resolved', clearedAtMs: alert.firedAtMs + 60_000, resolvedAtMs: later } as const;
  it('says what is and what was, not the text of the rule', () => {
    expect(summary('{{node}} is full', { ...over, value: 61 })).toBe(
      'Memory usage: ended at 61%, was > 90% for 11m',
    );
  });
  it('says of missing data that they were missing', () => {
    const lacked = { ...over, firedReason: 'no-data' } as const;
    expect(summary('{{node}} is full', { ...lacked, value: 21 })).toBe(
      'Memory usage: had no data, ended at 21% after 11m',
    );
    expect(summary(undefined, { ...lacked, value: undefined, reason: 'removed' })).toBe(
      'Memory usage: had no data, over after 11m',
    );
  });
  it('says less without a value, of a state, and where it did not end by its value', () => {
    for (const reason of ['removed', 'stale', 'no-data', 'rule-changed'] as const) {
      expect(summary(undefined, { ...over, value: 94, reason })).toBe('Memory usage: over after 11m');
    }
    // Late samples say that it had not held: the newest value breaches.
    expect(summary(undefined, { ...over, reason: 'revised' })).toBe('Memory usage: over after 11m');
    expect(summary(undefined, { ...over, value: undefined })).toBe('Memory usage: over after 11m');
    expect(summary(undefined, { ...over, value: 1 }, { metric: 'up' })).toBe('Memory usage: over after 11m');
  });
});

it.each([
  [{ role: 'etcd', node: 'n1', cluster: 'prod' }, 'prod / n1'],
  [{ mount: '/', device: 'sda', node: 'n1', cluster: 'prod' }, 'prod / n1, mount /, device sda'],
  [{ bastion: 'b', batch: '3' }, 'b'],
  [{ zone: 'z', alpha: 'a', cluster: 'prod' }, 'prod, alpha a, zone z'],
  [{ mount: '/a\nb' }, 'mount /a b'],
  [{ mount: '/a, device sdb', device: '' }, 'mount "/a, device sdb", device ""'],
  [{ cluster: 'a / b', node: 'c' }, '"a / b" / c'],
  [{ node: 'n\u202e1\u0000\u200b' }, 'n1'],
  [{ node: '\u200b' }, '""'],
  [{}, ''],
])('the place of %j is %j', (labels, text) => {
  expect(labelsText(labels as Record<string, string>)).toBe(text);
});

describe('after a clock was set back', () => {
  const nowMs = alert.sinceMs + 20_000;
  const summary = (extra: Partial<typeof alert>, template?: string, atMs = nowMs) =>
    renderSummary(
      { ...rule, ...(template === undefined ? {} : { summary: template }) },
      { ...alert, ...extra },
      { nowMs: atMs, timeZone: 'UTC' },
    );
  const hourLater = alert.sinceMs + 3_588_000;

  it.each([
    [
      { status: 'resolved', value: 40, clearedAtMs: hourLater, resolvedAtMs: hourLater },
      'Memory usage: ended at 40%, was > 90% for an unknown time',
    ],
    [
      { value: 40, clearedAtMs: hourLater },
      'Memory usage: 40%, was > 90% for an unknown time, recovering since an unknown time',
    ],
    [{ value: 94, valueAtMs: hourLater }, 'Memory usage: 94% at an unknown time (> 90%) for an unknown time'],
    [
      { status: 'resolved', value: 95, reason: 'removed', resolvedAtMs: hourLater },
      'Memory usage: over after an unknown time',
    ],
  ] as const)('no duration is made up: %j', (extra, text) => {
    expect(summary(extra)).toBe(text);
  });

  it('a breach that lies ahead has lasted for an unknown time, in own words too', () => {
    const early = alert.sinceMs - 3_600_000;
    expect(summary({}, undefined, early)).toBe('Memory usage: 94.1% (> 90%) for an unknown time');
    expect(summary({}, '{{node}} is at {{value}} for {{held}}', early)).toBe(
      'n1 is at 94.1% for an unknown time',
    );
  });

  it('an end before its beginning has no duration', () => {
    const resolvedAtMs = alert.sinceMs - 60_000;
    expect(summary({ status: 'resolved', value: 40, resolvedAtMs })).toBe(
      'Memory usage: ended at 40%, was > 90% for an unknown time',
    );
  });
});

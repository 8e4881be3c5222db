import { describe, expect, it } from 'vitest';
import { sampleAlert } from '../../test/contract/notifications.ts';
import type { Rule } from '../model.ts';
import { placeText, renderSummary } from './summary.ts';

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
    later,
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

describe('a resolved alert', () => {
  const over = { status: 'resolved', clearedAtMs: alert.firedAtMs + 60_000, resolvedAtMs: later } as const;
  it('says what is and what was, not the text of the rule', () => {
    expect(summary('{{node}} is full', { ...over, value: 61 })).toBe(
      'Memory usage: now 61%, was > 90% for 11m',
    );
  });
  it('says less without a value, and of a state', () => {
    expect(summary(undefined, { ...over, value: undefined })).toBe('Memory usage: over after 11m');
    expect(summary(undefined, { ...over, value: 1 }, { metric: 'up' })).toBe('Memory usage: over after 11m');
  });
});

it.each([
  [{ role: 'etcd', node: 'n1', cluster: 'prod' }, 'prod / n1'],
  [{ mount: '/var', device: '/dev/sda', node: 'n1', cluster: 'prod' }, 'prod / n1 / /var / /dev/sda'],
  [{ bastion: 'b', batch: '3' }, 'b'],
  [{ zone: 'z', alpha: 'a', cluster: 'prod' }, 'prod / a / z'],
  [{ mount: '/a\nb' }, '/a b'],
  [{}, ''],
])('the place of %j is %j', (labels, text) => {
  expect(placeText(labels as Record<string, string>)).toBe(text);
});

import { describe, expect, it } from 'vitest';
import { createIntervals, ruleIntervals } from './intervals.ts';
import type { Check } from './model/check.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function check(name: string, everyMs: number, more: Partial<Check> = {}): Check {
  return { name, probe: 'usage', everyMs, where: {}, options: {}, ...more };
}
const node = (name: string, cluster = 'a') => ({ cluster, node: name, role: 'etcd' as const });
const usage = check('usage', MINUTE);
const volumes = check('volumes', 10 * MINUTE, { where: { node: ['n2'] } });
const pki = check('pki', HOUR, { probe: 'pki' });
const all = [usage, volumes, pki];

describe('the interval of a series', () => {
  it.each([
    ['is that of the check which measures its metric', 'mem_usage', node('n1'), MINUTE],
    ['is not that of a check of another kind', 'cert_expiry', node('n1'), HOUR],
    ['is the longest where several measure it on its node', 'mem_usage', node('n2'), 10 * MINUTE],
    ['is that of all where none measures it there', 'cert_expiry', { cluster: 'a' }, HOUR],
    ['is the longest of all where no check is known to measure it', 'tls_up', node('n2'), HOUR],
    ['is that of the check which its label names', 'probe_duration', { ...node('n1'), check: 'pki' }, HOUR],
    ['of what each round writes is the shortest of its node', 'up', node('n2'), MINUTE],
    ['of a bastion is that of the checks which all nodes have', 'bastion_up', { bastion: 'b' }, MINUTE],
  ])('%s', (_, metric, labels, expected) => {
    expect(createIntervals(all).of(metric, labels)).toBe(expected);
  });

  it('is not that of a check which keeps no such series', () => {
    const root = { ...volumes, where: {}, whereNot: { mount: ['/'] } };
    const { of } = createIntervals([usage, root]);
    expect(of('disk_usage', { ...node('n1'), mount: '/' })).toBe(MINUTE);
    expect(of('disk_usage', { ...node('n1'), mount: '/data' })).toBe(10 * MINUTE);
  });

  it('of `up` leaves out checks that log in to no node', () => {
    const tls = check('tls', 10_000, { probe: 'tls', withoutLogin: true });
    const { of } = createIntervals([usage, tls]);
    expect([of('up', node('n1')), of('bastion_up', { bastion: 'b' })]).toEqual([MINUTE, 10_000]);
  });

  it('of a bastion is the longest of its nodes: a batch of slow ones has a series of its own', () => {
    const slow = check('slow', 5 * MINUTE, { where: { cluster: ['b'] } });
    const fast = check('fast', MINUTE, { where: { cluster: ['a'] } });
    const targets = [
      { ...node('n1'), bastion: 'one' },
      { ...node('n2', 'b'), bastion: 'two' },
      { ...node('n3'), bastion: 'both' },
      { ...node('n4', 'b'), bastion: 'both' },
    ];
    const intervals = createIntervals([slow, fast, pki], targets);
    const ofBastions = ['one', 'two', 'both', 'gone'].map((bastion) =>
      intervals.of('bastion_up', { bastion, batch: '0' }),
    );
    expect(ofBastions).toEqual([MINUTE, 5 * MINUTE, 5 * MINUTE, HOUR]);
    expect(intervals.longest('bastion_up', [])).toBe(5 * MINUTE);
  });

  it('is a minute where nothing is checked', () => {
    const { of, longest } = createIntervals([]);
    const metrics = ['up', 'mem_usage', 'bastion_up', 'probe_duration'];
    expect(metrics.map((metric) => of(metric, node('n1')))).toEqual(metrics.map(() => MINUTE));
    expect(metrics.map((metric) => longest(metric, []))).toEqual(metrics.map(() => MINUTE));
  });
});

describe('the intervals of a rule', () => {
  const expected = ['n1', 'n2'].map((name) => ({ labels: node(name) }));

  it('are one where its series have one', () => {
    expect(ruleIntervals(createIntervals(all), { metric: 'cert_expiry' }, expected)).toEqual({
      intervalMs: HOUR,
    });
  });

  it('are the longest of its targets, and that of each series', () => {
    const { intervalMs, intervalOf } = ruleIntervals(createIntervals(all), { metric: 'mem_usage' }, expected);
    expect(intervalMs).toBe(10 * MINUTE);
    expect(expected.map(({ labels }) => intervalOf?.('mem_usage', labels))).toEqual([MINUTE, 10 * MINUTE]);
    const [first] = expected;
    expect(ruleIntervals(createIntervals(all), { metric: 'mem_usage' }, first ? [first] : [])).toMatchObject({
      intervalMs: MINUTE,
    });
  });

  it('of a ratio are those of both sides', () => {
    const rule = { metric: 'cert_expiry', over: 'mem_usage' };
    const { intervalMs, intervalOf } = ruleIntervals(createIntervals([usage, pki]), rule, expected);
    expect([
      intervalMs,
      intervalOf?.('cert_expiry', node('n1')),
      intervalOf?.('mem_usage', node('n1')),
    ]).toEqual([HOUR, HOUR, MINUTE]);
  });
});

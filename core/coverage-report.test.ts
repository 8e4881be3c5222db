import { describe, expect, it } from 'vitest';
import { reportCoverage, UNWATCHED, unwatchedText } from './coverage-report.ts';
import type { Check } from './model/check.ts';
import type { Target } from './model/target.ts';
import type { TargetStatus } from './model/target-status.ts';

const NOW = 100 * 3_600_000;
const MINUTE = 60_000;
const check = (name: string, everyMs: number, where: Check['where'] = {}): Check => ({
  name,
  probe: 'usage',
  everyMs,
  where,
  maxNewLabelSets: 100,
  options: {},
});
const CHECKS = [check('usage', MINUTE, { role: ['etcd'] }), check('pki', 60 * MINUTE, { role: ['etcd'] })];
const target = (more: Partial<Target> = {}): Target => ({
  cluster: 'c',
  node: 'n',
  role: 'etcd',
  host: 'h',
  port: 22,
  user: 'u',
  bastion: 'gate',
  hostKeys: [],
  ...more,
});
const status = (agoMs: number, more: Partial<TargetStatus> = {}): TargetStatus => ({
  cluster: 'c',
  node: 'n',
  check: 'usage',
  roundMs: NOW - agoMs,
  ok: true,
  ...more,
});
const failed = { ok: false, detail: 'why' } as const;
const bastion = (agoMs: number, more: Partial<TargetStatus> = {}) =>
  status(agoMs, { cluster: '', node: 'gate', check: '0', ...more });

const report = (statuses: TargetStatus[], of: Target[] = [target()]) =>
  reportCoverage({ targets: of, checks: CHECKS, statuses, nowMs: NOW });

describe('a node', () => {
  it.each<[string, TargetStatus[]]>([
    ['a check succeeded in this round', [status(0)]],
    [
      'one check fails and another succeeds',
      [status(0, { ...failed, reason: 'output' }), status(0, { check: 'pki' })],
    ],
    ['the only success is of a slow check', [status(119 * MINUTE, { check: 'pki' })]],
    ['some rounds are missing', [status(4 * MINUTE)]],
  ])('is watched where %s', (_, statuses) => {
    expect(report(statuses)).toEqual({ nodes: 1, watched: 1, unwatched: [] });
  });

  it.each<[string, TargetStatus[], object]>([
    ['never-seen', [], {}],
    ['never-seen', [status(0, { check: 'removed-check' })], {}],
    ['never-seen', [status(0, { cluster: 'other' })], {}],
    ['auth', [status(0, { ...failed, reason: 'auth' })], { detail: 'why', checkedAtMs: NOW }],
    ['host-key-unknown', [status(0, { ok: false, reason: 'host-key-unknown' })], { checkedAtMs: NOW }],
    ['overdue', [status(6 * MINUTE)], { checkedAtMs: NOW - 6 * MINUTE }],
    ['overdue', [status(6 * MINUTE, { ...failed, reason: 'auth' })], { checkedAtMs: NOW - 6 * MINUTE }],
    ['bastion-lost', [bastion(0, { ...failed, reason: 'timeout' })], { detail: 'why' }],
    [
      'bastion-lost',
      [status(6 * MINUTE), bastion(6 * MINUTE), bastion(0, { ...failed, reason: 'timeout' })],
      { detail: 'why', checkedAtMs: NOW - 6 * MINUTE },
    ],
    ['never-seen', [bastion(0, { ...failed, reason: 'timeout' }), bastion(0, { check: '1' })], {}],
  ])('is not watched: %s, by %j', (reason, statuses, more) => {
    expect(report(statuses).unwatched).toEqual([{ cluster: 'c', node: 'n', reason, ...more }]);
  });

  it('that no check selects is not watched, whatever an earlier check saw', () => {
    expect(report([status(0)], [target({ role: 'apiserver' })]).unwatched).toEqual([
      { cluster: 'c', node: 'n', reason: 'no-check' },
    ]);
  });

  it('with two bastions is behind a lost one only if both are lost', () => {
    const two = [target({ otherBastions: ['second'] })];
    const lost = bastion(0, { ...failed, reason: 'timeout' });
    expect(report([lost, { ...bastion(0), node: 'second' }], two).unwatched[0]?.reason).toBe('never-seen');
    expect(report([lost, { ...lost, node: 'second' }], two).unwatched[0]?.reason).toBe('bastion-lost');
  });
});

it('that a check leaves out by whereNot names the check', () => {
  const leaving = CHECKS.map((one) => ({ ...one, whereNot: { node: ['n'] } }));
  const { unwatched } = reportCoverage({
    targets: [target()],
    checks: leaving,
    statuses: [status(0)],
    nowMs: NOW,
  });
  const detail = '`whereNot` of usage, pki';
  expect(unwatched).toEqual([{ cluster: 'c', node: 'n', reason: 'left-out', detail }]);
});

it.each([
  ['cluster', { cluster: 'other' }],
  ['node', { node: 'other' }],
  ['role', { role: 'apiserver' }],
] as const)('that checks select by its %s is told from one that they do not select', (label, more) => {
  const own = target();
  const selecting = [check('usage', MINUTE, { [label]: [own[label]] })];
  const targets = [own, target(more)];
  const statuses = targets.map(({ cluster, node }) => status(0, { cluster, node }));
  const { unwatched } = reportCoverage({ targets, checks: selecting, statuses, nowMs: NOW });
  expect(unwatched.map(({ reason }) => reason)).toEqual(['no-check']);
});

it.each<[string, TargetStatus]>([
  ['beyond-capacity', status(0, { node: 'm' })],
  ['beyond-capacity', status(0, { ...failed, reason: 'auth', node: 'm' })],
  ['overdue', status(6 * MINUTE, { node: 'm' })],
])('a node without a recent result is %s, by the other node behind its bastion', (reason, other) => {
  const fleet = [target(), target({ node: 'm' })];
  const { unwatched } = report([status(6 * MINUTE), other], fleet);
  expect(unwatched[0]).toMatchObject({ node: 'n', reason });
  const apart = [target(), target({ node: 'm', bastion: 'second' })];
  expect(report([status(6 * MINUTE), other], apart).unwatched[0]?.reason).toBe('overdue');
});

it('each node of a fleet is watched or has a reason, in time for a large fleet', () => {
  const targets = Array.from({ length: 10_000 }, (_, i) => target({ node: `n${i}` }));
  const statuses = targets.slice(13).map(({ node }) => status(0, { node }));
  const { nodes, watched, unwatched } = report(statuses, targets);
  expect([nodes, watched, unwatched.length]).toEqual([10_000, 9_987, 13]);
});

it.each(UNWATCHED.map((reason) => [reason]))('%s has a text', (reason) => {
  expect(unwatchedText(reason)).not.toBe('');
});

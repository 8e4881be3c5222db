import { describe, expect, it } from 'vitest';
import { configOf, configText } from '../../test/config-cases.ts';
import type { Rule } from '../model/rule.ts';

const rulesOf = (rules: string): readonly Rule[] =>
  configOf(configText({ rules: `rules:\n${rules}\n` })).rules;
const ruleOf = (name: string, rules: string): Rule | undefined =>
  rulesOf(rules).find((rule) => rule.name === name);

const FSYNC = `
    - name: fsync
      metric: disk_busy
      above: 50
      recoveryThreshold: 40
      for: 10m
      summary: slow
      inhibitedBy: [node-down]
      tiers: { info: {}, warning: { above: 70 }, critical: { outside: [0, 90], recoveryThreshold: [0, 80], for: 1m, keepFiringFor: 5m, noData: alerting, window: { last: 5m, reduce: avg }, summary: very slow, runbook: "https://example.net/r" } }`;

describe('a rule with tiers', () => {
  const tiers = rulesOf(`  add:${FSYNC}`).filter(({ name }) => name.startsWith('fsync'));

  it('is a rule for each tier, the highest first, which name those above them', () => {
    expect(tiers.map(({ name, severity, supersededBy }) => [name, severity, supersededBy])).toEqual([
      ['fsync.critical', 'critical', undefined],
      ['fsync.warning', 'warning', ['fsync.critical']],
      ['fsync.info', 'info', ['fsync.critical', 'fsync.warning']],
    ]);
  });

  it('gives a tier what that leaves out, and its title', () => {
    const [critical, warning, info] = tiers;
    const shared = { title: 'Fsync', metric: 'disk_busy', inhibitedBy: ['node-down'] };
    expect(info).toMatchObject({
      ...shared,
      condition: { kind: 'above', threshold: 50 },
      recoveryThreshold: 40,
      forMs: 600_000,
      summary: 'slow',
    });
    expect(warning).toMatchObject({
      ...shared,
      condition: { kind: 'above', threshold: 70 },
      noData: 'keepLast',
    });
    expect(critical).toMatchObject({
      ...shared,
      condition: { kind: 'outside', low: 0, high: 90 },
      recoveryThreshold: [0, 80],
      forMs: 60_000,
      keepFiringForMs: 300_000,
      noData: 'alerting',
      window: { lastMs: 300_000, reduce: 'avg' },
      summary: 'very slow',
      runbook: 'https://example.net/r',
    });
  });

  it('inhibits with each tier the rules that name it, and with one those that name that', () => {
    const other = (by: string) =>
      ruleOf(
        'other',
        `  add:${FSYNC}\n    - { name: other, metric: mem_usage, above: 1, for: 5m, inhibitedBy: [${by}] }`,
      );
    expect(other('fsync')?.inhibitedBy).toEqual(['fsync.info', 'fsync.warning', 'fsync.critical']);
    expect(other('fsync.warning')?.inhibitedBy).toEqual(['fsync.warning']);
  });
});

describe('`change`', () => {
  it('sets what it writes, and leaves the rest and the other rules', () => {
    const [before] = rulesOf('  off: []').filter(({ name }) => name === 'memory');
    const changed = rulesOf('  change: { memory: { above: 95, for: 1h } }');
    expect(changed.find(({ name }) => name === 'memory')).toEqual({
      ...before,
      condition: { kind: 'above', threshold: 95 },
      forMs: 3_600_000,
    });
    expect(changed.map(({ name }) => name)).toEqual(rulesOf('  off: []').map(({ name }) => name));
  });

  it.each([
    ['another condition', '{ outside: [5, 90] }', { condition: { kind: 'outside', low: 5, high: 90 } }],
    [
      'labels',
      '{ where: { role: etcd }, whereNot: { mount: /boot } }',
      { where: { role: ['etcd'] }, whereNot: { mount: ['/boot'] } },
    ],
    ['a window', '{ window: { last: 1h, reduce: max } }', { window: { lastMs: 3_600_000, reduce: 'max' } }],
    ['who inhibits', '{ inhibitedBy: [] }', { inhibitedBy: [] }],
    ['texts', '{ title: T, summary: S, severity: info }', { title: 'T', summary: 'S', severity: 'info' }],
  ])('may set %s', (_what, change, expected) => {
    expect(ruleOf('disk', `  change: { disk: ${change} }`)).toMatchObject(expected);
  });

  it('may set a part of an aggregate', () => {
    expect(
      ruleOf('bastion-lost', '  change: { bastion-lost: { aggregate: { op: min } } }')?.aggregate,
    ).toEqual({
      by: ['bastion'],
      op: 'min',
    });
  });

  it('may give a rule tiers, one of which is off', () => {
    const change = '  change: { memory: { tiers: { warning: {}, critical: { above: 97 } } } }';
    expect(ruleOf('memory.warning', change)).toMatchObject({
      condition: { threshold: 90 },
      supersededBy: ['memory.critical'],
    });
    const without = `${change}\n  off: [memory.critical]`;
    expect(ruleOf('memory.critical', without)).toBeUndefined();
    expect(ruleOf('memory.warning', without)).not.toHaveProperty('supersededBy');
    expect(rulesOf(`${change}\n  off: [memory]`).filter(({ name }) => /^memory/.test(name))).toEqual([]);
  });

  it('may be superseded by others, each of its tiers by these and the higher ones', () => {
    const change = '  change: { disk: { tiers: { warning: {}, critical: { above: 95 } } } }';
    expect(ruleOf('disk', '  off: [memory]')?.supersededBy).toEqual(['disk-full']);
    expect(ruleOf('disk', '  off: [disk-full]')).not.toHaveProperty('supersededBy');
    expect(ruleOf('disk.critical', change)?.supersededBy).toEqual(['disk-full']);
    expect(ruleOf('disk.warning', change)?.supersededBy).toEqual(['disk-full', 'disk.critical']);
    expect(ruleOf('disk-fills', change)?.supersededBy).toEqual([
      'disk.warning',
      'disk.critical',
      'disk-full',
    ]);
  });
});

it('`runbooks` gives each default rule the address of its page, unless `change` gives it another', () => {
  const base = '  runbooks: "https://git.example.net/runbook/"';
  expect(ruleOf('node-down', base)?.runbook).toBe('https://git.example.net/runbook/node-down.md');
  const changed = `${base}\n  change: { node-down: { runbook: "https://example.net/mine" } }`;
  expect(ruleOf('node-down', changed)?.runbook).toBe('https://example.net/mine');
  expect(ruleOf('node-down', '  off: []')).not.toHaveProperty('runbook');
});

it('a default rule that is off inhibits nothing, and its name is free', () => {
  const add = '  add: [{ name: node-down, metric: up, below: 1, for: 9m }]';
  expect(ruleOf('memory', '  off: [node-down]')?.inhibitedBy).toEqual([]);
  expect(ruleOf('node-down', `${add}\n  off: [node-down]`)?.forMs).toBe(540_000);
});

import { expect, it } from 'vitest';
import type { Rule } from '../model/rule.ts';
import { ruleHash } from './identity.ts';

const rule: Rule = {
  name: 'r',
  title: 'R',
  metric: 'disk_usage',
  where: { role: ['etcd'], cluster: ['a*', 'b'] },
  condition: { kind: 'above', threshold: 90 },
  recoveryThreshold: 85,
  forMs: 300_000,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'warning',
  inhibitedBy: [],
};
const windowed: Rule = {
  ...rule,
  window: { lastMs: 60_000, reduce: 'avg' },
  aggregate: { by: ['cluster'], op: 'max' },
};

it('knows the rules of stored checkpoints again: a release that adds fields begins none anew', () => {
  expect([ruleHash(rule), ruleHash(windowed)]).toEqual(['100adb4a0d721a8e', 'fbdfbeff1737369a']);
});

it('changes with each field that decides, and with no text', () => {
  const edits: Partial<Rule>[] = [
    { whereNot: { mount: ['/x'] } },
    { whereNot: { mount: ['/y'] } },
    { whereNot: { device: ['/x'] } },
    { window: { lastMs: 60_000, reduce: 'avg' } },
    { window: { lastMs: 60_000, reduce: 'forecast', aheadMs: 60_000 } },
    { window: { lastMs: 60_000, reduce: 'forecast', aheadMs: 120_000 } },
    { over: 'inode_usage' },
    { over: 'mem_usage' },
    { where: { ...rule.where, mount: ['/x'] } },
  ];
  const hashes = [rule, ...edits.map((edit) => ({ ...rule, ...edit }))].map(ruleHash);
  expect(new Set(hashes).size).toBe(hashes.length);
  const [a, b] = [
    { mount: ['/x'], node: ['n'] },
    { node: ['n'], mount: ['/x'] },
  ];
  expect(ruleHash({ ...rule, whereNot: a })).toBe(ruleHash({ ...rule, whereNot: b }));
  expect(ruleHash({ ...rule, title: 'Other', severity: 'critical', summary: 's' })).toBe(ruleHash(rule));
});

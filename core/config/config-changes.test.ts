import { expect, it } from 'vitest';
import { targetsOf } from '../../adapters/inventory/file.ts';
import { KINDS } from '../../adapters/registry.ts';
import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/labels.ts';
import {
  type ConfigAndNodes,
  configChanges,
  endingAlerts,
  fixedChanges,
  isUnchanged,
} from './config-changes.ts';
import { parseConfig } from './parse.ts';

const BASE = {
  nodes: '[{ name: n1, role: etcd, host: h1 }, { name: n2, role: apiserver, host: h2 }]',
  rules: '[{ name: memory, metric: mem_usage, above: 90, for: 5m }]',
  checks: '[{ name: usage, probe: usage, every: 1m }]',
  more: '',
};

function read(change: Partial<typeof BASE> = {}): ConfigAndNodes {
  const { nodes, rules, checks, more } = { ...BASE, ...change };
  const text = `
bastions: [{ name: b, host: b, user: u, privateKey: "\${file:key}" }]
clusters: [{ name: prod, bastion: b, nodes: ${nodes} }]
checks: ${checks}
rules: ${rules}
channels: [{ name: ops, type: webhook, url: "https://hooks.example", secret: "\${file:secret}" }]
${more}`;
  const result = parseConfig(text, { file: 'bartizan.yaml', kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return { config: result.config, targets: targetsOf(result.config.clusters) };
}

it('finds nothing in equal configurations', () => {
  const changes = configChanges(read(), read());
  expect(isUnchanged(changes)).toBe(true);
  expect(fixedChanges(read().config, read().config)).toEqual([]);
});

it('names what comes, goes and changes', () => {
  const after = read({
    nodes: '[{ name: n2, role: etcd, host: h2 }, { name: n3, role: etcd, host: h3 }]',
    rules:
      '[{ name: memory, metric: mem_usage, above: 80, for: 5m }, { name: cpu, metric: cpu_usage, above: 1, for: 5m }]',
    more: 'schedule: { timeZone: Asia/Seoul }',
  });
  const changes = configChanges(read(), after);
  expect(changes.nodes).toEqual({ added: ['prod/n3'], removed: ['prod/n1'], changed: ['prod/n2'] });
  expect(changes.sections.rules).toEqual({ added: ['cpu'], removed: [], changed: ['memory'] });
  expect(changes.settings).toEqual(['schedule']);
  expect(isUnchanged(changes)).toBe(false);
  const other = configChanges(read(), read({ nodes: `${BASE.nodes}, privateKey: "\${file:k}"` }));
  expect(other.sections).toEqual({ clusters: { added: [], removed: [], changed: ['prod'] } });
});

it.each([
  ['store: { path: other }', ['store.path']],
  ['store: { type: prometheus, url: "http://127.0.0.1:9" }', ['store.type', 'the options of `store`']],
  ['server: { listen: "127.0.0.1:9" }', ['server.listen']],
  ['server: { metrics: { listen: "127.0.0.1:9" } }', ['server.metrics.listen']],
  ['server: { undeliveredAfter: 9m }', []],
  ['store: { retention: 9d }', []],
])('names what only a restart changes: %s', (more, names) => {
  expect(fixedChanges(read().config, read({ more }).config)).toEqual(names);
});

const alert = (rule: string, labels: Labels, status: Alert['status'] = 'firing'): Alert =>
  ({ rule, labels, status }) as Alert;
const N1 = { cluster: 'prod', node: 'n1', role: 'etcd' };

it.each<[string, Partial<typeof BASE>, Alert, boolean]>([
  ['stays', {}, alert('memory', N1), false],
  ['of a node that goes', { nodes: '[{ name: n2, role: apiserver, host: h2 }]' }, alert('memory', N1), true],
  [
    'that only pends',
    { nodes: '[{ name: n2, role: apiserver, host: h2 }]' },
    alert('memory', N1, 'pending'),
    true,
  ],
  ['that is over', { nodes: '[{ name: n2, role: apiserver, host: h2 }]' }, alert('memory', N1, 'ok'), false],
  ['of a rule that goes', { rules: '[]' }, alert('memory', N1), true],
  [
    'that the rule selects no more',
    { rules: '[{ name: memory, metric: mem_usage, above: 90, for: 5m, where: { role: apiserver } }]' },
    alert('memory', N1),
    true,
  ],
  [
    'that no check measures any more',
    { checks: '[{ name: other, probe: usage, every: 1m, where: { node: n2 } }]' },
    alert('memory', N1),
    true,
  ],
  [
    'of a group that goes',
    {
      rules:
        '[{ name: memory, metric: mem_usage, above: 90, for: 5m, aggregate: { by: [cluster], op: max } }]',
    },
    alert('memory', { cluster: 'gone' }),
    true,
  ],
])('knows whether an alert ends: %s', (_, change, open, ends) => {
  expect(endingAlerts([open], read(change))).toEqual(ends ? [open] : []);
});

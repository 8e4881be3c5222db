import { describe, expect, it } from 'vitest';
import { configOf, configText, problemsOf } from '../../test/config-cases.ts';
import { parseCluster } from './cluster-entry.ts';

const CLUSTERS = `clusters:
  - name: prod
    bastion: seoul
    labels: { customer: acme, zone: z1 }
    nodes:
      - { name: prod-1, role: apiserver, host: 10.0.1.11, labels: { zone: z2 } }
      - { name: prod-2, role: etcd, host: 10.0.1.12 }
`;
const INVENTORY = 'inventory: [{ type: list, at: x }]\n';
const text = (more: Readonly<Record<string, string>>) => configText({ clusters: CLUSTERS, ...more });
const rule = (fields: string) =>
  `rules: [{ name: a, metric: mem_usage, above: 1, for: 1m, ${fields} }]\nroutes: [{ name: all, channels: [ops] }]\n`;
const route = (fields: string) =>
  `routes: [{ name: x, channels: [ops], ${fields} }, { name: rest, channels: [ops] }]\n`;
const found = (more: Readonly<Record<string, string>>) =>
  problemsOf(text(more)).map(({ severity, path, message }) => `${severity} ${path}: ${message}`);

describe('labels of the inventory', () => {
  it('are for rules, beside those of series', () => {
    const { rules, clusters } = configOf(
      text({ rules: rule('where: { customer: ac*, role: etcd }, whereNot: { zone: z2, node: x }') }),
    );
    expect(rules[0]).toMatchObject({
      where: { role: ['etcd'] },
      whereNot: { node: ['x'] },
      inventory: { where: { customer: ['ac*'] }, whereNot: { zone: ['z2'] } },
    });
    expect(clusters[0]?.labels).toEqual({ customer: 'acme', zone: 'z1' });
  });

  it.each<[string, string]>([
    ['a rule', rule('where: { customer: acme }')],
    ['a message', rule('summary: "{{node}} of {{customer}}"')],
    ['a route', route('match: { customer: acme }')],
    ['a group', route('match: { role: etcd }, groupBy: [customer]')],
  ])('can be in %s', (_, more) => {
    expect(found({ more })).not.toContainEqual(
      expect.stringMatching(/no label|placeholder|matches nothing|no alert/),
    );
  });

  it.each<[string, string, string]>([
    [
      'a rule',
      rule('where: { custmer: acme }'),
      'error rules[0].where.custmer: `mem_usage` has no label `custmer`',
    ],
    [
      'a message',
      rule('summary: "{{custmer}}"'),
      'warning rules[0].summary: unknown placeholder `{{custmer}}`',
    ],
    [
      'a route',
      route('match: { custmer: acme }'),
      'error routes[0].match.custmer: there is no label `custmer`',
    ],
    ['a group', route('groupBy: [custmer]'), 'error routes[0].groupBy[0]: there is no label `custmer`'],
  ])('are known by name: %s', (_, more, expected) => {
    expect(found({ more })).toContainEqual(expect.stringContaining(expected));
  });

  it.each<[string, string, string]>([
    ['a rule', rule('where: { customer: other }'), 'warning rules[0].where: rule `a` matches nothing'],
    [
      'a rule, by what it leaves out',
      rule('whereNot: { customer: acme }'),
      '`whereNot` leaves rule `a` nothing',
    ],
    ['a route', route('match: { zone: z9 }'), 'warning routes[0].match: no alert can take route `x`'],
  ])('are known by value: %s', (_, more, expected) => {
    expect(found({ more })).toContainEqual(expect.stringContaining(expected));
  });

  it.each<[string, string]>([
    ['an aggregate', rule('where: { customer: acme }, aggregate: { by: [cluster], op: max }')],
    ['a group of an aggregate', rule('aggregate: { by: [customer], op: max }')],
  ])('are not for %s', (_, more) => {
    expect(found({ more })).toContainEqual(expect.stringMatching(/^error rules\[0\].*customer/));
  });

  it('may come from a source, but for names that are nearly others', () => {
    expect(found({ more: `${route('match: { team: core }')}${INVENTORY}` })).toEqual([]);
    expect(found({ more: `${route('match: { clutser: core }')}${INVENTORY}` })).toEqual([
      expect.stringContaining('there is no label `clutser`'),
    ]);
  });
});

it.each<[string, string]>([
  ['{ "node": "x" }', 'labels.node: the name `node` is taken'],
  ['{ "__proto__x": "x" }', '`__proto__x` is not a label name'],
  [`{ "a": "${'x'.repeat(101)}" }`, 'labels.a: the value of a label has 100 characters at most'],
  [
    `{ "a": "${'x'.repeat(100)}", "b": "${'\u{20000}'.repeat(100)}" }`,
    'labels: the labels have 502 bytes with their names; shorten them to 500',
  ],
  [`{ "${'a'.repeat(51)}": "x" }`, 'a label name has 50 characters at most'],
  ['{ "a": "x\\u202ey" }', 'one line of visible characters'],
  [
    JSON.stringify(Object.fromEntries([...'abcdefghijk'].map((one) => [one, 'x']))),
    'there are 11 labels; write 10 at most',
  ],
])('an entry of a source with the labels %s is refused', (labels, problem) => {
  const { bastions } = configOf(configText());
  const entry = `{ "name": "c", "bastion": "seoul", "labels": ${labels}, "nodes": [{ "name": "n", "role": "etcd", "host": "h" }] }`;
  const parsed = parseCluster(entry, bastions);
  const [what] = problem.split('; ');
  expect('problem' in parsed && parsed.problem).toContain(what);
});

import { describe, expect, it } from 'vitest';
import { compareCase, configOf, configText, problemsOf, readCases } from '../../test/config-cases.ts';
import { DEFAULT_CHECKS, defaultRules } from './defaults.ts';

const node = (fields: string) =>
  configText({ clusters: `clusters:\n  - name: prod\n    bastion: seoul\n    nodes:\n      - ${fields}\n` });
const more = (text: string) => configText({ more: `${text}\n` });

describe('a configuration in which nothing is wrong', () => {
  it('gets its defaults', () => {
    const config = configOf(configText());
    expect(config.checks).toEqual(DEFAULT_CHECKS);
    expect(config.rules).toEqual(defaultRules(DEFAULT_CHECKS));
    expect(config.routes.map(({ name, channels, match }) => ({ name, channels, match }))).toEqual([
      { name: 'default', channels: ['ops'], match: {} },
    ]);
    expect(config.bastions[0]).toMatchObject({
      port: 22,
      maxConnections: 8,
      deadlines: { bastionMs: 10_000, dialMs: 5_000, handshakeMs: 10_000, execMs: 15_000 },
      maxOutputBytes: 1_048_576,
    });
    expect(config.store).toEqual({
      type: 'sqlite',
      path: '/etc/bartizan/data',
      retentionMs: 604_800_000,
      rollUpRetentionMs: 7_776_000_000,
      options: {},
    });
    expect(config.schedule).toEqual({ jitterMs: 1000, timeZone: 'UTC', latenessMs: 900_000 });
    expect(config.server).toEqual({
      host: '127.0.0.1',
      port: 9470,
      hosts: [],
      undeliveredAfterMs: 300_000,
      chartRetentionMs: 2_592_000_000,
      history: { enabled: true, loopback: 'read', timeoutMs: 30_000, maxQueries: 4 },
    });
    expect(problemsOf(configText())).toEqual([]);
  });

  it.each(
    ['store', 'schedule', 'sessions', 'server'].flatMap((section) =>
      ['', ' null', ' ~', '\n  # commented: out'].map((nothing) => `${section}:${nothing}`),
    ),
  )('takes a section with nothing below as one that is left out: %j', (section) => {
    const file = `${configText()}\n${section}\n`;
    expect(problemsOf(file)).toEqual([]);
    expect(configOf(file)).toEqual(configOf(configText()));
  });

  it('keeps references as they are written', () => {
    const config = configOf(configText());
    expect(config.bastions[0]?.privateKey).toBe(`\${file:~/.ssh/key}`);
    expect(config.channels[0]?.options).toEqual({ url: `https://chat.example.net/\${env:TOKEN}` });
  });

  it('rules replace the defaults as a list, and build on them as a mapping', () => {
    const namesOf = (rules: string) =>
      configOf(configText({ rules: `${rules}\n` })).rules.map(({ name, inhibitedBy }) =>
        [name, ...inhibitedBy].join('<'),
      );
    const mine = '{ name: mine, metric: load1, above: 9, for: 5m }';
    const all = namesOf('rules: {}');
    expect(all).toContain('memory<node-down');
    expect(namesOf(`rules: [${mine}]`)).toEqual(['mine']);
    expect(namesOf(`rules: { add: [${mine}] }`)).toEqual([...all, 'mine']);
    const without = all.filter((name) => !name.startsWith('node-down'));
    expect(namesOf(`rules: { off: [node-down], add: [${mine}] }`)).toEqual([
      ...without.map((name) => name.replace('<node-down', '')),
      'mine',
    ]);
  });

  it('a cluster logs in with what it says itself', () => {
    const key = { privateKey: `\${file:key}`, passphrase: `\${env:PASS}` };
    for (const own of [key, { agent: `\${env:SSH_AUTH_SOCK}` }]) {
      const nodes = [{ name: 'a', role: 'etcd', host: 'h' }];
      const clusters = `clusters: ${JSON.stringify([{ name: 'c', bastion: 'seoul', ...own, nodes }])}\n`;
      expect(configOf(configText({ clusters })).clusters[0]).toMatchObject(own);
    }
  });

  it('a node takes its user and port from the cluster, then from the bastion', () => {
    const nodes =
      'nodes:\n      - { name: a, role: etcd, host: h, port: 2222, user: own }\n      - { name: b, role: etcd, host: g }\n';
    const plain = configOf(
      configText({ clusters: `clusters:\n  - name: c\n    bastion: seoul\n    ${nodes}` }),
    );
    expect(plain.clusters[0]?.nodes.map(({ user, port }) => [user, port])).toEqual([
      ['own', 2222],
      ['probe', 22],
    ]);
    const defaults = '    defaults: { user: ops, port: 23 }\n';
    const both = configOf(
      configText({ clusters: `clusters:\n  - name: c\n    bastion: seoul\n${defaults}    ${nodes}` }),
    );
    expect(both.clusters[0]?.nodes.map(({ user, port }) => [user, port])).toEqual([
      ['own', 2222],
      ['ops', 23],
    ]);
  });

  it('the default rule for a lost bastion holds for one interval of the checks', () => {
    const config = configOf(more('checks: [{ name: usage, probe: usage, every: 2s }]'));
    expect(config.rules.find(({ name }) => name === 'bastion-lost')?.forMs).toBe(2000);
  });

  it('anchors, aliases and merges are plain YAML', () => {
    const config = configOf(
      node(
        '&node { name: a, role: etcd, host: 10.0.0.1, user: x }\n      - { <<: *node, name: b, host: 10.0.0.2 }',
      ),
    );
    expect(config.clusters[0]?.nodes.map(({ name, host, user }) => [name, host, user])).toEqual([
      ['a', '10.0.0.1', 'x'],
      ['b', '10.0.0.2', 'x'],
    ]);
  });

  it('a problem among many nodes has its location', () => {
    const nodes = Array.from({ length: 1_500 }, (_, i) => `- { name: n${i}, role: etcd, host: 10.1.0.${i} }`);
    const text = configText({
      clusters: `clusters:\n  - name: prod\n    bastion: seoul\n    nodes:\n      ${nodes.join('\n      ')}\n`,
    });
    expect(configOf(text).clusters[0]?.nodes).toHaveLength(1_500);
    expect(
      problemsOf(text.replace('role: etcd, host: 10.1.0.7 ', 'role: etc, host: 10.1.0.7 ')),
    ).toMatchObject([
      { line: 14, column: 27, path: 'clusters[0].nodes[7].role', suggestion: 'did you mean `etcd`?' },
    ]);
    expect(problemsOf(text, { available: () => false }).map(({ line }) => line)).toEqual([2, 1508]);
  });

  it.each([
    ['127.0.0.1:9470', '127.0.0.1', 9470],
    ['":9470"', '0.0.0.0', 9470],
    ['"[::]:9470"', '::', 9470],
    ['"[::1]:9470"', '::1', 9470],
    ['mon.example.net:80', 'mon.example.net', 80],
  ])('listens on %s', (listen, host, port) => {
    expect(configOf(more(`server: { listen: ${listen} }`)).server).toMatchObject({ host, port });
  });

  it.each([
    ['./data', '/etc/bartizan/data'],
    ['../var/./x', '/etc/var/x'],
    ['~/data', '/home/ops/data'],
    ['/var/lib/bartizan/', '/var/lib/bartizan'],
  ])('the folder %s is %s', (path, absolute) => {
    expect(configOf(more(`store: { path: ${path} }`)).store.path).toBe(absolute);
  });
});

describe.each(['fields', 'links', 'yaml', 'fine'])('test/fixtures/config/%s.txt', (name) => {
  it.each(readCases(name))('$title', (one) => {
    const { expected, actual } = compareCase(one);
    expect(actual).toEqual(expected);
  });
});

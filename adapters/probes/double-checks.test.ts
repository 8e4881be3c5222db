// Two checks that would write the same series of a node: see core/config/double-checks.ts.

import { expect, it } from 'vitest';
import { configText, problemsOf } from '../../test/config-cases.ts';
import { KINDS } from '../registry.ts';

const check = (name: string, probe: string, more = '') => `  - { name: ${name}, probe: ${probe}${more} }\n`;
const usage = check('usage', 'usage');

function problems(checks: string, more = ''): string[] {
  return problemsOf(configText({ checks: `checks:\n${checks}${more}` }), { kinds: KINDS }).map(
    ({ severity, path, message }) => `${severity} ${path}: ${message}`,
  );
}

it.each<[string, string, string, string[]]>([
  ['one of a kind', check('a', 'apiserver'), '', []],
  [
    'two of a kind',
    check('a', 'apiserver') + check('b', 'apiserver', ', port: 7443'),
    '',
    ['error checks[2].name: check `a` writes the same series of a node as `b`'],
  ],
  [
    'on other nodes',
    check('a', 'etcd', ', where: { role: etcd }') + check('b', 'etcd', ', where: { role: apiserver }'),
    '',
    [],
  ],
  [
    'that meet on one',
    check('a', 'etcd', ', where: { node: "*" }') + check('b', 'etcd', ', where: { role: "*" }'),
    '',
    ['error checks[2].name: check `a` writes the same series of a node as `b`'],
  ],
  [
    'other ports of tls',
    check('a', 'tls', ', ports: [6443, 2379]') + check('b', 'tls', ', ports: [2380]'),
    '',
    [],
  ],
  [
    'a port of tls twice',
    check('a', 'tls', ', ports: [6443, 2379]') + check('b', 'tls', ', ports: [2380, 2379], servername: x'),
    '',
    ['error checks[2].name: check `a` writes the same series of a node at port 2379 as `b`'],
  ],
  ...['http, port: 80', 'tcp, port: 80', 'command, command: c', 'hostkey', 'usage', 'pki'].map(
    (kind): [string, string, string, string[]] => [
      `series with the label check: ${kind}`,
      check('a', kind) + check('b', kind),
      'commands: [{ name: c, script: "true" }]\n',
      [],
    ],
  ),
  [
    'beside that of a preset: what the user wrote is named',
    check('mine', 'apiserver', ', port: 7443'),
    'presets: [{ preset: talos }]\n',
    ['error checks[1].name: check `talos-apiserver` writes the same series of a node as `mine`'],
  ],
  [
    'left out of the preset',
    check('mine', 'apiserver', ', port: 7443'),
    'presets: [{ preset: talos, without: [apiserver] }]\n',
    [],
  ],
  [
    'two presets',
    '',
    'presets: [{ preset: kubeadm, without: [tls, etcd, pki, kubelet, scheduler, controller-manager] }, { preset: k3s, without: [tls] }]\n',
    [
      'error presets[1].preset: check `kubeadm-apiserver` writes the same series of a node as `k3s-apiserver`',
    ],
  ],
])('%s', (_, checks, more, expected) => {
  expect(problems(usage + checks, more).filter((line) => !/idle|have no SSH/.test(line))).toEqual(expected);
});

it.each<[string, string, string, string[]]>([
  ['no label keeps them apart', '', '', ['warning']],
  ['another cluster', ', where: { cluster: "a-*" }', ', where: { cluster: "b-*" }', []],
  ['the same cluster', ', where: { cluster: "a-*" }', ', where: { cluster: ["b", "a-1"] }', ['warning']],
  ['another role', ', where: { role: [etcd] }', ', where: { role: [apiserver, controlplane] }', []],
  ['a role, and a cluster', ', where: { role: [etcd] }', ', where: { cluster: a }', ['warning']],
])('with an inventory nobody knows which nodes there are: %s', (_, one, other, expected) => {
  const text = configText({
    checks: `checks:\n${check('a', 'etcd', one)}${check('b', 'etcd', other)}`,
  }).replace(/^/, 'inventory: [{ type: file, path: clusters }]\n');
  const found = problemsOf(text, { kinds: KINDS }).filter(({ message }) => message.includes('same series'));
  expect(found.map(({ severity }) => severity)).toEqual(expected);
});

import { expect, it } from 'vitest';
import type { Check } from '../core/model/check.ts';
import type { Target } from '../core/model/target.ts';
import { apiPortsOf, fileOfCa, serviceOfPort } from './service-of-port.ts';

const TARGET: Target = {
  cluster: 'prod',
  node: 'n1',
  role: 'controlplane',
  host: '10.0.0.11',
  port: 22,
  user: 'u',
  bastion: 'gate',
  hostKeys: [],
};

const check = (probe: string, options: Check['options'] = {}, where: Check['where'] = {}): Check => ({
  name: probe,
  probe,
  everyMs: 60_000,
  where,
  options,
});

const CHECKS = [
  check('apiserver', { ca: '${file:ca.crt}', servername: 'api.example.net' }),
  check('apiserver', { port: 7443 }, { node: ['other'] }),
  check('etcd'),
  check('http', { port: 8080, path: '/status', via: 'node' }),
  check('http', { port: 9443, tls: true, via: 'bastion' }),
  check('usage'),
];

it.each([
  [
    6443,
    undefined,
    {
      via: 'bastion',
      host: '10.0.0.11',
      tls: true,
      name: 'api.example.net',
      ca: '${file:ca.crt}',
      path: '/readyz?verbose',
    },
  ],
  [2381, undefined, { via: 'node', host: '127.0.0.1', tls: false }],
  [8080, undefined, { via: 'node', host: '127.0.0.1', tls: false, path: '/status' }],
  [9443, undefined, { via: 'bastion', tls: true, path: '/' }],
  // That check asks another node.
  [7443, undefined, { via: 'bastion', tls: false, name: '10.0.0.11' }],
  [10250, undefined, { via: 'bastion', tls: true }],
  [12345, undefined, { via: 'bastion', tls: false, path: '/' }],
  [12345, 'node', { via: 'node', host: '127.0.0.1' }],
  // What a check over the bastion knows need not be true of the node's loopback.
  [9443, 'node', { via: 'node', host: '127.0.0.1', tls: false }],
] as const)('port %d, via %s', (port, via, expected) => {
  expect(serviceOfPort(CHECKS, TARGET, port, via)).toMatchObject({ port, ...expected });
});

it('knows the ports on which checks of the node ask an API server, or the usual one', () => {
  expect(apiPortsOf(CHECKS, TARGET)).toEqual([6443]);
  expect(apiPortsOf(CHECKS, { ...TARGET, node: 'other' })).toEqual([6443, 7443]);
  expect(apiPortsOf([check('apiserver', { port: 443 })], TARGET)).toEqual([443]);
  expect(apiPortsOf([check('usage')], TARGET)).toEqual([6443]);
});

it.each([
  ['${file:ca.crt}', '/etc/bartizan/ca.crt'],
  ['${file:/ca.crt}', '/ca.crt'],
  ['${file:~/ca.crt}', '~/ca.crt'],
  ['${env:CA}', undefined],
  ['${file:a}${file:b}', undefined],
  [undefined, undefined],
])('the file of %s is %s', (ca, file) => {
  expect(fileOfCa(ca, '/etc/bartizan/bartizan.yaml')).toBe(file);
});

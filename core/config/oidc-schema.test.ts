import { expect, it } from 'vitest';
import { KINDS } from '../../adapters/registry.ts';
import { parseConfig } from './parse.ts';

const BASE = `
bastions: [{ name: gate, host: 10.0.0.1, user: u, privateKey: '\${file:key}', hostKeys: [] }]
clusters: [{ name: a, bastion: gate, nodes: [{ name: a1, role: etcd, host: 10.1.0.1 }] }]
channels: [{ name: ops, type: webhook, url: 'http://127.0.0.1:1/' }]
`;
const parse = (oidc: string, publicUrl = "publicUrl: 'https://bartizan.example', ") =>
  parseConfig(`${BASE}server: { ${publicUrl}oidc: { ${oidc} } }\n`, {
    file: 'f',
    kinds: KINDS,
    baseDir: '/etc',
    nowMs: 0,
  });
const WHO = "issuer: 'https://login.example', clientId: b, clientSecret: '${env:S}'";
const GROUPS = 'groups: [{ group: sre, scope: admin }]';

it('reads groups with scopes and selectors, and has defaults', () => {
  const parsed = parse(
    `${WHO}, groups: [{ group: acme, selector: customer=acme }, { group: sre, scope: admin }]`,
  );
  expect(parsed.ok && parsed.config.server.oidc).toEqual({
    issuer: 'https://login.example',
    clientId: 'b',
    clientSecret: '${env:S}',
    scopes: ['openid', 'email', 'profile'],
    groupsClaim: 'groups',
    groups: [
      { group: 'acme', scope: 'read', selector: [{ name: 'customer', op: '=', value: 'acme' }] },
      { group: 'sre', scope: 'admin' },
    ],
    sessionMs: 8 * 3_600_000,
  });
});

it.each([
  [`${WHO}, groups: [{ group: a, selector: mount=/ }]`, 'nodes have no label mount'],
  [`${WHO}, groups: [{ group: a, selector: 'cluster=~(' }]`, 'is not a regular expression'],
  [`${WHO}, groups: []`, 'groups'],
  [`${WHO}, ${GROUPS}, session: 9h`, 'a session lasts eight hours at most'],
  [`${WHO}, ${GROUPS}, scopes: [email]`, 'without `openid` the provider sends no ID token'],
  [
    `issuer: 'http://login.example', clientId: b, clientSecret: '\${env:S}', ${GROUPS}`,
    'write one with https',
  ],
  [`issuer: 'https://login.example', clientId: b, ${GROUPS}`, 'sessions need a secret to be encrypted with'],
  [
    `issuer: 'https://login.example', clientId: b, clientSecret: secret, ${GROUPS}`,
    'no secret belongs in this file',
  ],
])('refuses %s', (oidc, message) => {
  const parsed = parse(oidc);
  expect(parsed.ok).toBe(false);
  expect(JSON.stringify('problems' in parsed && parsed.problems)).toContain(message);
});

it('needs the address to which the provider leads people back', () => {
  const parsed = parse(`${WHO}, ${GROUPS}`, '');
  expect(JSON.stringify('problems' in parsed && parsed.problems)).toContain('write it beside `oidc`');
});

it('takes a provider of this machine without TLS', () => {
  expect(
    parse(`issuer: 'http://127.0.0.1:5556/dex', clientId: b, clientSecret: '\${env:S}', ${GROUPS}`).ok,
  ).toBe(true);
});

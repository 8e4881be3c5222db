// Where `kubeconfig` finds the authority of an API server, with a TLS server in place of it, behind real OpenSSH servers.
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Authority, type Certificate, makeAuthority } from '../test/certificates.ts';
import { dir, useServers } from '../test/openssh/servers.ts';
import {
  createTunnelFixture,
  type Outcome,
  type RunningCommand,
  type TunnelFixture,
} from '../test/openssh/tunnel-fixture.ts';

useServers();

const HOST = '127.0.0.2';
let authority: Authority;
let other: Authority;
let served: Certificate;
let server: Server;
let fixture: TunnelFixture;
let tunnel: RunningCommand;
let port: number;

beforeAll(async () => {
  authority = await makeAuthority('kubernetes');
  other = await makeAuthority('other');
  served = await authority.issue({
    commonName: 'kube-apiserver',
    names: ['10.0.0.1', 'kubernetes'],
    use: 'server',
  });
  const named = await authority.issue({ commonName: 'named', names: ['api.example.net'], use: 'server' });
  server = createServer({
    ...served,
    SNICallback: (name, done) => {
      const chosen = name === 'api.example.net' ? named : served;
      done(null, createSecureContext(chosen));
    },
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  server.listen(0, HOST);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  mkdirSync(join(dir, 'files'));
  // What a node has beside the authority, some of it by the same name.
  const impostor = await makeAuthority('kubernetes');
  writeFileSync(join(dir, 'files/a-ca.crt'), impostor.cert);
  writeFileSync(join(dir, 'files/apiserver.crt'), served.cert);
  writeFileSync(join(dir, 'files/z-ca.crt'), authority.cert);
  fixture = await createTunnelFixture(
    'kubeconfig',
    `[{ name: api, probe: apiserver, port: ${port} }, { name: files, probe: pki, paths: [${join(dir, 'files')}] }]`,
    HOST,
  );
  writeFileSync(join(fixture.folder, 'ca.crt'), authority.cert + authority.key, { mode: 0o600 });
  writeFileSync(join(fixture.folder, 'other.crt'), other.cert);
  tunnel = await fixture.tunnel('n1', `${port}`, '--local', '0');
});
afterAll(async () => {
  await tunnel?.stop();
  fixture?.close();
  server?.close();
});

/** Runs the command with `ca` in the check, or other changes of the configuration. */
async function kubeconfig(check: Record<string, string>, ...args: string[]): Promise<Outcome> {
  const text = readFileSync(join(fixture.folder, 'bartizan.yaml'), 'utf8');
  const more = Object.entries(check).map(([name, value]) => `, ${name}: "${value}"`);
  const file = join(fixture.folder, 'changed.yaml');
  writeFileSync(file, text.replace(`port: ${port} }`, `port: ${port}${more.join('')} }`));
  return fixture.run('kubeconfig', 'prod', '-c', 'changed.yaml', ...args);
}

const clusterIn = (text: string) => parse(text).clusters[0].cluster;
const authorityIn = (text: string) =>
  Buffer.from(clusterIn(text)['certificate-authority-data'], 'base64').toString('utf8');

it.each<[what: string, check: Record<string, string>, args: string[], source: string]>([
  ['a file that is given, without the key in it', {}, ['--ca', 'ca.crt'], 'ca.crt'],
  ['the `ca` of the check', { ca: '${file:ca.crt}' }, [], '`ca` of a check'],
  ['the file of the node that signed it', {}, [], 'files/z-ca.crt of prod/n1'],
])('takes the authority from %s', async (_what, check, args, source) => {
  const { code, out, err } = await kubeconfig(check, ...args);
  expect([code, err]).toEqual([0, expect.stringContaining(source)]);
  expect(authorityIn(out).trim()).toBe(authority.cert.trim());
  const local = tunnel.open.local.port ?? 0;
  expect(clusterIn(out)).toMatchObject({
    server: `https://127.0.0.1:${local}`,
    'tls-server-name': 'kubernetes',
  });
  expect(out).not.toContain('insecure');
});

it('verifies by the name of the check, if the certificate for that name has it', async () => {
  const { out } = await kubeconfig({ servername: 'api.example.net' }, '--ca', 'ca.crt');
  expect(clusterIn(out)).toMatchObject({ 'tls-server-name': 'api.example.net' });
  const other = await kubeconfig({ servername: 'other.example.net' }, '--ca', 'ca.crt');
  expect(clusterIn(other.out)).toMatchObject({ 'tls-server-name': 'kubernetes' });
});

it.each<[what: string, check: Record<string, string>, args: string[], message: string]>([
  ['a file of another authority', {}, ['--ca', 'other.crt'], 'does not lead to other.crt (UNABLE_TO_'],
  ['a `ca` of another authority', { ca: '${file:other.crt}' }, [], 'does not lead to `ca` of a check'],
  ['a file without a certificate', {}, ['--ca', 'bartizan.yaml'], 'bartizan.yaml holds no certificate (PEM)'],
  ['a file that is missing', {}, ['--ca', 'none.crt'], 'none.crt: there is no such file'],
  ['a node that has no tunnel', {}, ['--node', 'n2'], 'no node or cluster is called n2'],
])('refuses %s', async (_what, check, args, message) => {
  const { code, out, err } = await kubeconfig(check, ...args);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(message);
});

it('an authority that nobody knows is an error with the fingerprint to compare, and --pin trusts it', async () => {
  // The folder of the check is part of its script, so the line of the node does not permit another one.
  const text = readFileSync(join(fixture.folder, 'bartizan.yaml'), 'utf8');
  writeFileSync(join(fixture.folder, 'hidden.yaml'), text.replace('/files]', '/others]'));
  const hidden = await fixture.run('kubeconfig', 'prod', '-c', 'hidden.yaml');
  expect(hidden.code).toBe(1);
  expect(hidden.err).toMatch(
    /the authority of the API server is unknown: .* its files cannot be read: .*\(.*bartizan keys/,
  );
  const fingerprint = /SHA-256 [0-9A-F:]{95}/.exec(hidden.err)?.[0];
  expect(fingerprint).toBeDefined();
  const pinned = await fixture.run('kubeconfig', 'prod', '-c', 'hidden.yaml', '--pin');
  expect(pinned.err).toContain(fingerprint);
  expect(authorityIn(pinned.out).trim()).toBe(served.cert.trim());
});

it('writes a file for our user alone, and never over that of another program', async () => {
  const file = join(fixture.folder, 'own.kubeconfig');
  for (const user of ['kim', 'lee']) {
    const { code, err } = await kubeconfig({}, '--ca', 'ca.crt', '--file', 'own.kubeconfig', '--user', user);
    expect([code, err]).toEqual([
      0,
      expect.stringContaining('KUBECONFIG=own.kubeconfig:"$HOME/.kube/config" kubectl'),
    ]);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(parse(readFileSync(file, 'utf8'))).toMatchObject({
      'current-context': 'bartizan-prod',
      contexts: [{ name: 'bartizan-prod', context: { cluster: 'bartizan-prod', user } }],
      users: [],
    });
  }
  const foreign = join(fixture.folder, 'config');
  writeFileSync(foreign, 'apiVersion: v1\n');
  const { code, err } = await kubeconfig({}, '--ca', 'ca.crt', '--file', 'config');
  expect([code, err]).toEqual([
    1,
    expect.stringContaining('config is not from `bartizan kubeconfig`, and is not overwritten'),
  ]);
  expect(readFileSync(foreign, 'utf8')).toBe('apiVersion: v1\n');
});

it('the logins that read the files of a node are in the audit', async () => {
  const before = fixture.audit().length;
  await kubeconfig({}, '--as', 'kim');
  const added = fixture.audit().slice(before);
  expect(added.filter(({ unverifiedActor }) => unverifiedActor === 'kim')).toMatchObject([
    { kind: 'tunnel', bastion: 'gate', outcome: 'ok' },
    {
      kind: 'tunnel',
      target: 'prod/n1',
      command: expect.stringMatching(/^pki-/),
      exitCode: 0,
      outcome: 'ok',
    },
  ]);
});

it('without a tunnel it says which one to open', async () => {
  await tunnel.stop();
  const { code, err } = await kubeconfig({});
  expect([code, err]).toEqual([
    1,
    expect.stringContaining(
      `no tunnel to an API server of prod runs with this configuration; open one in another terminal: bartizan tunnel prod/n1 ${port}`,
    ),
  ]);
});

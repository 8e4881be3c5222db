import { X509Certificate } from 'node:crypto';
import tls, { type SecureVersion } from 'node:tls';
import { beforeAll, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../test/certificates.ts';
import { setupBastionConnection, useBastion } from '../../test/prober-fleet.ts';
import { listen, serveTls } from '../../test/services.ts';
import { connectTls, hasName, type TlsFacts, type TlsOptions } from './tls-connection.ts';

useBastion();

let authority: Certificate;
let server: Certificate;
beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeCertificate(['kubernetes', '127.0.0.1'], { authority });
});

async function handshake(port: number, options: TlsOptions = {}) {
  const { dial } = await setupBastionConnection();
  let shown: TlsFacts['chain'] | undefined;
  const made = connectTls(await dial({ host: '127.0.0.1', port }), options, 10_000, (chain) => {
    shown = chain;
  });
  const outcome = await made.then(
    ({ socket, facts }) => {
      socket.destroy();
      return facts;
    },
    (error: Error) => error,
  );
  return { outcome, names: shown?.[0]?.subjectAltName };
}

it.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])(
  'shows the chain of a server that requires a client certificate, with %s',
  async (version) => {
    const port = await serveTls(
      {
        ...server,
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: version,
        maxVersion: version,
      },
      (_, response) => response.end(),
    );
    const { outcome, names } = await handshake(port, { ca: authority.cert });
    expect(names).toBe('DNS:kubernetes, IP Address:127.0.0.1');
    // With TLS 1.3 our side is done before the server misses the certificate.
    if (version === 'TLSv1.3') expect(outcome).toMatchObject({ protocol: 'TLSv1.3', chainError: undefined });
    else expect(outcome).toMatchObject({ failure: { reason: 'protocol', phase: 'tls' } });
  },
);

it('shows no chain of a server that refuses the first message', async () => {
  const port = await listen(
    tls.createServer({ ...server, maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-GCM-SHA256' }),
  );
  const { outcome, names } = await handshake(port);
  expect(outcome).toMatchObject({ message: 'refused the TLS handshake: handshake failure' });
  expect(names).toBeUndefined();
});

it.each<[string, (options: TlsOptions) => TlsOptions, string]>([
  ['no authority', ({ ca, ...rest }) => rest, 'there is no `ca` to check it by'],
  ['no name', ({ name, ...rest }) => rest, 'there is no name to check it by'],
  ['another name', (options) => ({ ...options, name: 'etcd' }), 'it is not for etcd'],
  ['another address', (options) => ({ ...options, name: '10.0.0.1' }), 'it is not for 10.0.0.1'],
])('refuses to send a credential with %s', async (_, change, why) => {
  const port = await serveTls(server, (__, response) => response.end());
  const right = { ca: authority.cert, mustVerify: true, name: '127.0.0.1' };
  expect((await handshake(port, right)).outcome).toMatchObject({ chainError: undefined });
  expect((await handshake(port, change(right))).outcome).toMatchObject({
    message: `its certificate is not trusted (${why}), so no request is sent`,
  });
});

it.each<[string, TlsOptions]>([
  ['an authority that is none', { ca: 'ca.pem' }],
  ['an authority that is cut off', { ca: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' }],
  ['a key that is none', { cert: 'x', key: 'SECRET' }],
])('is not tried with %s', async (_, options) => {
  const port = await serveTls(server, (__, response) => response.end());
  const { outcome } = await handshake(port, options);
  expect(outcome).toMatchObject({ failure: { reason: 'config', phase: 'tls' } });
  expect(String(outcome)).not.toContain('SECRET');
});

it('trusts every certificate of a bundle', async () => {
  const other = await makeAuthority('other');
  const port = await serveTls(server, (_, response) => response.end());
  const { outcome } = await handshake(port, { ca: `# first\n${other.cert}\n${authority.cert}\n` });
  expect(outcome).toMatchObject({ chainError: undefined });
});

/** A server whose chain goes on with the authority, so many times. */
const serveLongChain = (times: number) =>
  serveTls({ ...server, cert: `${server.cert}\n${`${authority.cert}\n`.repeat(times)}` }, (_, response) =>
    response.end(),
  );

it('reads a chain of some twenty certificates', async () => {
  const { outcome } = await handshake(await serveLongChain(20), { ca: authority.cert });
  expect(outcome).toMatchObject({ chainError: undefined });
});

it('is cut off before OpenSSL verifies a chain of 60 KB', async () => {
  const { outcome, names } = await handshake(await serveLongChain(120), { ca: authority.cert });
  expect(outcome).toMatchObject({ failure: { reason: 'output', phase: 'tls' } });
  expect(String(outcome)).toContain('cut off: more than 24 KiB before the TLS session');
  expect(names).toBeUndefined();
});

it('makes no second handshake over the same connection', async () => {
  const asked = Promise.withResolvers<string>();
  const made = tls.createServer({ ...server, maxVersion: 'TLSv1.2' }, (socket) => {
    // How its own side ends then is up to its OpenSSL.
    socket.on('error', ({ message }) => asked.resolve(message));
    socket.renegotiate({}, (error) => asked.resolve(error ? error.message : 'a second handshake'));
  });
  const { dial } = await setupBastionConnection();
  const { socket } = await connectTls(
    await dial({ host: '127.0.0.1', port: await listen(made) }),
    {},
    10_000,
  );
  socket.on('close', () => asked.resolve('closed'));
  expect(await asked.promise).not.toBe('a second handshake');
  socket.destroy();
});

it.each<[string, readonly string[], string, string, boolean]>([
  ['a name', ['kubernetes'], 'server', 'kubernetes', true],
  ['an address', ['10.96.0.1'], 'server', '10.96.0.1', true],
  ['a wildcard', ['*.example.net'], 'server', 'api.example.net', true],
  ['a common name alone', [], 'kubernetes', 'kubernetes', false],
  ['a common name beside an address', ['10.96.0.1'], 'kubernetes', 'kubernetes', false],
  ['a wildcard in a label', ['a*.example.net'], 'server', 'api.example.net', false],
])('knows whether a certificate is for a host by %s, as Go does', async (_, names, commonName, name, is) => {
  const { cert } = await makeCertificate(names, { commonName });
  expect(hasName(new X509Certificate(cert), name)).toBe(is);
});

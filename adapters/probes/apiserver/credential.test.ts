import type { RequestListener } from 'node:http';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { APISERVER_FILES, HIDDEN_FILES, replay } from '../../../test/kube/replay.ts';
import { MISSING } from '../../../test/prober-fixture.ts';
import { useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck } from '../../../test/service-check.ts';
import { listen, serveTls } from '../../../test/services.ts';
import { optionsSchema } from './options.ts';

useBastion();

let authority: Certificate;
let server: Certificate;
beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeCertificate(['kubernetes', '127.0.0.1'], { authority });
});

const setup = (
  port: number,
  options: Record<string, unknown>,
  fixture?: Parameters<typeof setupServiceCheck>[2],
) => setupServiceCheck('apiserver', { port, ...options }, fixture);
const serving = (listener: RequestListener) => serveTls(server, listener);

describe('a credential', () => {
  const keys = () => ({ '${env:TOKEN}': 'TOKEN-1\n', '${file:ca}': authority.cert });
  const withToken = { token: '${env:TOKEN}', ca: '${file:ca}' };

  it('is sent to a server that `ca` verifies', async () => {
    const recorded = replay(APISERVER_FILES, 'apiserver/ok');
    const { round } = await setup(await serving(recorded.listener), withToken, { keys: keys() });
    expect((await round()).found).toContain('apiserver_ready 1');
    expect(recorded.asked[0]).toBe('GET /readyz?verbose Bearer TOKEN-1');
  });

  it.each<[string, () => Promise<Certificate>, string]>([
    ['a server of another authority', () => makeCertificate(['127.0.0.1']), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [
      'a server of another name',
      () => makeCertificate(['kubelet'], { authority }),
      'it is not for 127.0.0.1',
    ],
    [
      'an expired server',
      () => makeCertificate(['127.0.0.1'], { authority, from: new Date(0), until: new Date(86_400_000) }),
      'CERT_HAS_EXPIRED',
    ],
  ])('is not sent to %s', async (_, certificate, why) => {
    const recorded = replay(APISERVER_FILES, 'apiserver/ok');
    const port = await serveTls(await certificate(), recorded.listener);
    const { round } = await setup(port, withToken, { keys: keys() });
    const { found, notes } = await round();
    expect(found).toEqual(['apiserver_up 1']);
    expect(notes).toEqual([
      `it answers, and more is unknown: its certificate is not trusted (${why}), so no request is sent`,
    ]);
    expect(recorded.asked).toEqual([]);
  });

  it.each([
    ['TLSv1.2', ['reader']],
    ['TLSv1.3', []],
  ] as const)(
    'by certificate may be shown to a server that asks, and no request is sent where `ca` does not verify it: %s',
    async (maxVersion, seen) => {
      const client = await makeCertificate(['reader'], { authority, commonName: 'reader' });
      const other = await makeCertificate(['127.0.0.1']);
      const mutual = {
        ...other,
        maxVersion,
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: false,
      };
      const shown: unknown[] = [];
      let bytes = 0;
      const accept = (socket: TLSSocket) => {
        shown.push(socket.getPeerCertificate().subject?.CN);
        socket.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        socket.on('error', () => {});
      };
      const port = await listen(createTlsServer(mutual, accept));
      const options = { ca: '${file:ca}', clientCertificate: '${file:crt}', clientKey: '${file:key}' };
      const pair = { '${file:crt}': client.cert, '${file:key}': client.key };
      const { round } = await setup(port, options, { keys: { ...keys(), ...pair } });
      expect((await round()).notes).toEqual([expect.stringMatching(/not trusted .*so no request is sent$/)]);
      expect([shown, bytes]).toEqual([seen, 0]);
    },
  );

  it('that is refused is named as such', async () => {
    const recorded = replay(HIDDEN_FILES, 'apiserver/unauthorized');
    const { round } = await setup(await serving(recorded.listener), withToken, { keys: keys() });
    expect((await round()).notes[0]).toMatch(/; the credential is refused: has it expired\?$/);
    recorded.play('apiserver/forbidden');
    expect((await round()).notes[0]).toMatch(/bind its user to the ClusterRole `system:monitoring`$/);
  });

  it('that the server sends back is in no note and no label', async () => {
    const listener: RequestListener = ({ headers }, response) => {
      const [, token] = headers.authorization?.split(' ') ?? [];
      response.writeHead(500).end(`[-]check-${token} failed: x\n`);
    };
    const secrets = { ...keys(), '${env:TOKEN}': 'TOKEN-1' };
    const { round } = await setup(await serving(listener), withToken, { keys: secrets });
    const { found, notes } = await round();
    expect(found).toContain('apiserver_check{check-<secret>} 0');
    expect(JSON.stringify([found, notes])).not.toContain('TOKEN-1');
  });

  it('by certificate is shown where anonymous clients see nothing', async () => {
    const client = await makeCertificate(['reader'], { authority });
    const mutual = { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    const recorded = replay(APISERVER_FILES, 'apiserver/ok');
    const options = { ca: '${file:ca}', clientCertificate: '${file:crt}', clientKey: '${file:key}' };
    const { round } = await setup(await serveTls(mutual, recorded.listener), options, {
      keys: { ...keys(), '${file:crt}': client.cert, '${file:key}': client.key },
    });
    expect((await round()).found).toContain('apiserver_ready 1');
  });

  it.each<[string, Record<string, string>, string]>([
    ['a token with a line break inside', { '${env:TOKEN}': 'TO\nKEN' }, '`token`: the token has blanks'],
    ['an authority that is none', { '${file:ca}': 'none KEN' }, '`ca`: it holds no certificate'],
  ])(
    'that cannot be used is an error at the start, or fails the check alone: %s',
    async (_, changed, why) => {
      const recorded = replay(APISERVER_FILES, 'apiserver/ok');
      const options = { keys: { ...keys(), ...changed } };
      const port = await serving(recorded.listener);
      await expect(setup(port, withToken, options)).rejects.toThrow('check service');
      const { round } = await setup(port, withToken, { ...options, checksKeys: false });
      const { found, notes } = await round();
      expect(found).toEqual(['failed: config/request']);
      expect(notes).toEqual([expect.stringContaining(`a secret of the check cannot be used: ${why}`)]);
      expect(JSON.stringify(notes)).not.toContain('KEN');
      expect(recorded.asked).toEqual([]);
    },
  );

  it('that is missing is an error at the start, or fails the check alone', async () => {
    const options = { token: MISSING, ca: '${file:ca}' };
    await expect(setup(1, options, { keys: keys() })).rejects.toThrow('check service');
    const { round } = await setup(1, options, { keys: keys(), checksKeys: false });
    expect(await round()).toMatchObject({
      found: ['failed: config/request'],
      notes: ['a secret of the check cannot be used: ${env:MISSING}: is not set'],
    });
  });

  it.each<[Record<string, string>, string, RegExp]>([
    [{ token: '${env:T}' }, 'token', /only sent to a server that `ca` verifies/],
    [{ clientCertificate: '${env:C}', ca: '${env:A}' }, 'clientCertificate', /`clientKey` is missing/],
    [{ clientKey: '${env:C}', ca: '${env:A}' }, 'clientKey', /`clientCertificate` is missing/],
    [{ token: 'abc', ca: '${env:A}' }, 'token', /no secret belongs in this file/],
    [{ servername: '10.0.0.1' }, 'servername', /an address is no name/],
    [{ servername: 'https://a' }, 'servername', /this is no name of a host/],
    [{ servername: 'a b' }, 'servername', /this is no name of a host/],
    [{ ca: 'ca.crt' }, 'ca', /this is no certificate.*`\$\{file:ca\.crt\}`/],
    [{ ca: '-----BEGIN EC PRIVATE KEY-----\nx' }, 'ca', /this is a private key itself/],
  ])('is configured whole: %j', (options, field, message) => {
    const issues = optionsSchema.safeParse(options).error?.issues ?? [];
    expect(issues.map(({ path }) => path[0])).toEqual([field]);
    expect(issues[0]?.message).toMatch(message);
  });
});

describe('names', () => {
  it.each<[string, string, Record<string, string>, string | false]>([
    ['an address', '127.0.0.1', {}, false],
    ['a name', 'localhost', {}, 'localhost'],
    ['a name of its own', '127.0.0.1', { servername: 'kubernetes' }, 'kubernetes'],
  ])('%s is asked for as SNI', async (_, host, options, expected) => {
    let seen: unknown;
    const port = await serving(({ socket }, response) => {
      seen = (socket as { servername?: unknown }).servername;
      response.end('ok');
    });
    const { round } = await setup(port, options, { nodeHost: host });
    await round();
    expect(seen).toBe(expected);
  });
});

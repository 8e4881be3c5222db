import https, { type ServerOptions } from 'node:https';
import { createServer, type Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { flood } from '../../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../../test/prober-fixture.ts';
import { bastion, healthyNode, setupProber, useBastion } from '../../../test/prober-fleet.ts';
import { setupServiceCheck } from '../../../test/service-check.ts';
import {
  closedPort,
  foundBy,
  listen,
  notesOf,
  serveRaw,
  serveTls,
  serviceNode,
} from '../../../test/services.ts';
import { probeError } from '../../ssh/failure.ts';
import type { Endpoint, NodeHandle } from '../probe.ts';
import { CONTROL_PLANE_PORTS, optionsSchema } from './options.ts';
import { tls } from './tls.ts';

useBastion();

const DAY = 86_400_000;
const NAMES = ['kubernetes', '127.0.0.1'];
const CA = '${file:ca.crt}';
const at = (days: number) => new Date(Date.now() + days * DAY);

let authority: Certificate;
beforeAll(async () => {
  authority = await makeAuthority();
});

const serve = (certificate: Certificate, options: ServerOptions = {}) =>
  serveTls({ ...certificate, ...options }, (_, response) => void response.end());

/** What one round finds at one port: metrics by name, days instead of seconds, and notes. */
async function inspect(port: number, options: Record<string, unknown> = {}) {
  const { round } = await setupServiceCheck(
    'tls',
    { ports: [port], ...options },
    { keys: { [CA]: authority.cert } },
  );
  const { found, notes } = await round();
  const values = found.map((line) => {
    const [, metric = '', shownPort, value] = /^(\w+)\{(\d+)\} (.*)$/.exec(line) ?? [];
    expect(shownPort).toBe(String(port));
    const isTime = ['tls_cert_expiry', 'tls_cert_lifetime', 'tls_cert_begins'].includes(metric);
    return [metric, Math.round(isTime ? Number(value) / (DAY / 1000) : Number(value))];
  });
  return { values: Object.fromEntries(values), notes: notes.map((note) => note.replace(`${port}`, 'PORT')) };
}

describe('a served certificate', () => {
  it('is described by handshake alone', async () => {
    const port = await serve(await makeCertificate(NAMES, { authority, from: at(-10), until: at(30) }));
    expect(await inspect(port)).toEqual({
      values: {
        tls_up: 1,
        tls_cert_expiry: 30,
        tls_cert_lifetime: 40,
        tls_cert_remaining: 75,
        tls_cert_due: 2_592_000,
        tls_cert_begins: -10,
      },
      notes: [],
    });
    const checked = await inspect(port, { ca: CA, names: NAMES });
    expect(checked.values).toMatchObject({ tls_name_ok: 1, tls_chain_ok: 1 });
    expect(checked.notes).toEqual([]);
  });

  it.each<[string, Parameters<typeof makeCertificate>[1], object, RegExp[]]>([
    [
      'expired',
      { from: at(-40), until: at(-10) },
      { tls_cert_expiry: -10, tls_cert_remaining: 0, tls_chain_ok: 0, tls_name_ok: 1 },
      [
        /^port PORT: the certificate of CN=server has expired, \d{4}-/,
        /not lead to `ca` \(CERT_HAS_EXPIRED\)/,
      ],
    ],
    [
      'not yet valid',
      { from: at(10), until: at(40) },
      { tls_cert_expiry: 40, tls_cert_remaining: 133, tls_chain_ok: 0, tls_name_ok: 1 },
      [/the certificate of CN=server is not valid before \d{4}-/, /\(CERT_NOT_YET_VALID\)/],
    ],
    ['right', {}, { tls_chain_ok: 1, tls_name_ok: 1 }, []],
  ])('that is %s', async (_, validity, values, notes) => {
    const port = await serve(await makeCertificate(NAMES, { authority, ...validity }));
    const found = await inspect(port, { ca: CA, names: NAMES });
    expect(found.values).toMatchObject({ tls_up: 1, ...values });
    expect(found.notes).toEqual(notes.map((note) => expect.stringMatching(note)));
  });

  it('that signs itself', async () => {
    const found = await inspect(await serve(await makeCertificate(NAMES)), { ca: CA });
    expect(found.values).toMatchObject({ tls_up: 1, tls_chain_ok: 0 });
    expect(found.notes).toEqual(['port PORT: its chain does not lead to `ca` (DEPTH_ZERO_SELF_SIGNED_CERT)']);
  });

  it('that is for another name', async () => {
    const port = await serve(await makeCertificate(['kubelet', '10.0.0.9'], { authority }));
    const found = await inspect(port, { ca: CA, names: ['kubelet', 'kubernetes', '10.0.0.1'] });
    expect(found.values).toMatchObject({ tls_name_ok: 0, tls_chain_ok: 1 });
    expect(found.notes).toEqual([
      'port PORT: its certificate is not for kubernetes, 10.0.0.1, but for DNS:kubelet, IP Address:10.0.0.9',
    ]);
    expect((await inspect(port)).values).not.toHaveProperty('tls_name_ok');
    expect((await inspect(port, { servername: 'kubelet' })).values).toHaveProperty('tls_name_ok', 1);
    expect((await inspect(port, { servername: 'kubernetes' })).values).toHaveProperty('tls_name_ok', 0);
  });

  it('counts the first certificate of its chain to expire, that of `ca` included', async () => {
    const old = await makeAuthority('old', at(5));
    const leaf = await makeCertificate(NAMES, { authority: old });
    const chained = { cert: `${leaf.cert}\n${old.cert}`, key: leaf.key };
    expect((await inspect(await serve(chained))).values).toMatchObject({ tls_cert_expiry: 5 });
    const port = await serve(leaf);
    expect((await inspect(port)).values).toMatchObject({ tls_cert_expiry: 365 });
    const { round } = await setupServiceCheck('tls', { ports: [port], ca: CA }, { keys: { [CA]: old.cert } });
    expect(
      Number((await round()).found.find((one) => one.startsWith('tls_cert_expiry'))?.split(' ')[1]) / 86_400,
    ).toBeCloseTo(5, 1);
  });

  it.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])(
    'is shown where a client certificate is required, with %s',
    async (version) => {
      const mutual = { requestCert: true, rejectUnauthorized: true, ca: authority.cert };
      const versions = { minVersion: version, maxVersion: version };
      const certificate = await makeCertificate(NAMES, { authority, until: at(30) });
      const port = await serve(certificate, { ...mutual, ...versions });
      const found = await inspect(port, { ca: CA, names: NAMES });
      expect(found.values).toMatchObject({ tls_up: 1, tls_cert_expiry: 30, tls_name_ok: 1 });
      // With TLS 1.2 the server ends the handshake before our side has checked the chain.
      expect(found.values.tls_chain_ok).toBe(version === 'TLSv1.3' ? 1 : undefined);
      expect(found.notes).toEqual([]);
    },
  );

  it('is chosen by the name that is asked for', async () => {
    const [one, other] = [await makeCertificate(['one']), await makeCertificate(['other'])];
    const server = https.createServer(one);
    server.addContext('other', other);
    const port = await listen(server);
    expect((await inspect(port, { servername: 'other' })).values).toHaveProperty('tls_name_ok', 1);
    expect((await inspect(port, { names: ['other'] })).values).toHaveProperty('tls_name_ok', 0);
  });
});

describe('no certificate', () => {
  it.each<[string, (socket: Socket) => void, RegExp]>([
    ['accepts and never answers', () => {}, /^port PORT: no TLS session within/],
    ['hangs up', (socket) => socket.destroy(), /closed the connection in the TLS handshake$/],
    ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'), /does not speak TLS$/],
    ['sends without end', (socket) => flood(socket, undefined, 2 ** 24), /: (cut off|does not speak TLS)/],
  ])('as the server %s', async (_, behave, note) => {
    const found = await inspect(await serveRaw(behave));
    expect(found).toEqual({ values: { tls_up: 0 }, notes: [expect.stringMatching(note)] });
  });

  it('as nobody listens', async () => {
    const found = await inspect(await closedPort());
    expect(found).toEqual({ values: { tls_up: 0 }, notes: [expect.stringMatching(/did not reach/)] });
  });
});

describe('several ports', () => {
  it('are those of a control plane by default, where none is down for not being there', async () => {
    const options = optionsSchema.parse({});
    expect(tls.endpointsFor(options).map(({ port }) => port)).toEqual(CONTROL_PLANE_PORTS);
    for (const port of CONTROL_PLANE_PORTS) bastion.forbid(port);
    const checks = [{ name: 'tls', probe: 'tls' }];
    const { prober } = await setupProber({}, { checks });
    const targets = [targetOf('n', await healthyNode())];
    const { observations } = await prober.probe(batchOf(targets, { checks: ['usage', 'tls'] }));
    expect(foundBy(observations, 'tls')).toEqual(['failed: forbidden/connect']);
    expect(notesOf(observations, 'tls')[0]).toMatch(/permitopen of our key/);
  });

  it('of that default where nobody answers are a note, as no node has all of them', async () => {
    const handle = {
      target: serviceNode(),
      deadlines: { handshakeMs: 1_000 },
      nowMs: Date.now,
      dial: async ({ port }: Endpoint) => {
        throw probeError('unreachable', 'connect', `the bastion did not reach ${port}`);
      },
    } as unknown as NodeHandle;
    const observed = (written: object) =>
      tls.observe(handle, { name: 'tls', options: optionsSchema.parse(written), everyMs: 60_000 }, undefined);
    const { readings, notes } = await observed({});
    expect(readings).toEqual([]);
    expect(notes).toEqual([
      `no TLS on ${CONTROL_PLANE_PORTS.join(', ')}; write \`ports\` to watch chosen ones`,
    ]);
    expect((await observed({ ports: [9345] })).readings).toEqual([
      { metric: 'tls_up', labels: { port: '9345' }, value: 0 },
    ]);
  });

  it('are each for itself: a silent, a forbidden and a good one', async () => {
    const good = await serve(await makeCertificate(NAMES));
    const silent = await serveRaw(() => {});
    const forbidden = await closedPort();
    bastion.forbid(forbidden);
    const { round } = await setupServiceCheck('tls', { ports: [silent, forbidden, good, good] });
    const { found, notes } = await round();
    expect(found.filter((line) => line.startsWith('tls_up')).sort()).toEqual(
      [`tls_up{${good}} 1`, `tls_up{${silent}} 0`].sort(),
    );
    expect(notes).toEqual([
      expect.stringMatching(`^port ${silent}: no TLS session within`),
      expect.stringMatching(`^port ${forbidden}: the bastion forbids forwarding .*permitopen`),
    ]);
  });

  it('from the node share one session, and a silent one leaves time for the next', async () => {
    const silent = await listen(createServer(() => {}));
    const good = await serve(await makeCertificate(NAMES));
    const node = await healthyNode();
    const checks = [{ name: 'tls', probe: 'tls', options: { via: 'node', ports: [silent, good] } }];
    const { prober } = await setupProber({ deadlines: { handshakeMs: 1_000 } }, { checks });
    const { observations } = await prober.probe(batchOf([targetOf('n', node)], { checks: ['tls'] }));
    expect(foundBy(observations, 'tls')).toEqual(
      expect.arrayContaining([`tls_up{${silent}} 0`, `tls_up{${good}} 1`]),
    );
    expect(notesOf(observations, 'tls')).toHaveLength(1);
    expect(node.logins).toBe(1);
  });
});

it.each<[Record<string, unknown>, boolean]>([
  [{ names: ['kubernetes', '10.96.0.1', '::1', '*.example.net'] }, true],
  [{ names: ['https://kubernetes'] }, false],
  [{ names: ['kubernetes:6443'] }, false],
  [{ names: ['a b'] }, false],
  [{ names: [''] }, false],
  [{ ports: [0] }, false],
  [{ ca: 'ca.crt' }, false],
])('the options %j', (options, isRight) => {
  expect(optionsSchema.safeParse(options).success).toBe(isRight);
});

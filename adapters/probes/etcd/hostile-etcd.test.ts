import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Certificate, makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { foundByEtcd, notesOfEtcd, sceneOf, setupEtcdCheck } from '../../../test/etcd-check.ts';
import { flood } from '../../../test/node-behaviour.ts';
import { until, useBastion } from '../../../test/prober-fleet.ts';
import { foundBy, serveHttp, serveRaw, serveTls } from '../../../test/services.ts';

useBastion();

describe('a hostile service costs itself only', () => {
  const families = Array.from(
    { length: 10_000 },
    (_, i) => `# TYPE metric_${i} gauge\nmetric_${i}{a="b"} ${i}\n`,
  ).join('');

  it.each([
    ['accepts and never answers', () => serveRaw(() => {}), /^no answer within /],
    [
      'sends a byte a second',
      () =>
        serveRaw((socket) => {
          socket.write('HTTP/1.1 200 OK\r\n\r\ne');
        }),
      /^no answer within /,
    ],
    ['sends without end', () => serveHttp((_, response) => flood(response)), /more than 2 MB of metrics/],
    [
      'sends one line without end',
      () => serveHttp((_, response) => flood(response, () => {}, 2 ** 26, 'x'.repeat(2_000))),
      /more than 2 MB of metrics/,
    ],
    [
      'speaks something else',
      () => serveRaw((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
      /^does not speak HTTP/,
    ],
    ['hangs up', () => serveRaw((socket) => socket.destroy()), /^closed the connection/],
    [
      'sends a packed body',
      () =>
        serveHttp(
          (_, response) =>
            void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x\n'.repeat(2 ** 22))),
        ),
      /cannot be understood/,
    ],
    [
      'has 10,000 families',
      () => serveHttp((_, response) => void response.end(families)),
      /shows no metrics of etcd \(10000 others\)/,
    ],
    [
      'has 20,000 members',
      () =>
        serveHttp((request, response) => {
          const peers = Array.from(
            { length: 20_000 },
            (_, i) => `etcd_network_known_peers{Remote="${i}"} 1\n`,
          ).join('');
          response.end(
            request.url === '/metrics' ? `etcd_server_has_leader 1\n${peers}` : '{"health":"true"}',
          );
        }),
      /10001 of its series left out: there are too many/,
    ],
  ])('that %s', async (_, serve, note) => {
    const { round, node } = await setupEtcdCheck({ port: await serve() });
    for (let i = 0; i < 2; i++) {
      const seen = await round();
      expect(foundByEtcd(seen)).toContainEqual(expect.stringMatching(/^etcd_up [01]$/));
      expect(notesOfEtcd(seen).join('\n')).toMatch(note);
      expect(foundBy(seen, 'usage').length).toBeGreaterThan(3);
    }
    expect(node.logins).toBe(1);
  });

  it('or a node that is lost meanwhile is no etcd that is down', async () => {
    const { round, node } = await setupEtcdCheck({ port: await serveRaw(() => {}) });
    const observations = round(['etcd']);
    await until(() => node.dialled.length === 1);
    node.cut();
    expect(foundByEtcd(await observations)).toEqual(['failed: protocol/dial']);
  });
});

describe('with HTTPS', () => {
  let authority: Certificate;
  const makeServer = async (names: readonly string[] = ['127.0.0.1'], more: object = {}) =>
    makeCertificate(names, { authority, ...more });

  async function serveSecure(server: Certificate, seen: string[] = []) {
    const scene = sceneOf('ok');
    return serveTls(
      { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        seen.push(request.url ?? '');
        response.end(request.url === '/metrics' ? scene.metrics : scene.health);
      },
    );
  }

  /** Options with a client certificate, and what their references stand for. */
  async function withClient() {
    const client = await makeCertificate(['prometheus'], { authority });
    const options = {
      tls: true,
      ca: '${file:ca.pem}',
      clientCertificate: '${file:client.pem}',
      clientKey: '${file:client.key}',
    };
    const values = [authority.cert, client.cert, client.key];
    const keys = Object.fromEntries(
      [options.ca, options.clientCertificate, options.clientKey].map((name, i) => [name, values[i] ?? '']),
    );
    return { options, keys };
  }

  it('a client certificate is sent to a server that `ca` verifies', async () => {
    authority = await makeAuthority('etcd');
    const { options, keys } = await withClient();
    const { round } = await setupEtcdCheck(
      { port: await serveSecure(await makeServer()), ...options },
      { keys },
    );
    expect(foundByEtcd(await round())).toEqual(expect.arrayContaining(['etcd_up 1', 'etcd_healthy 1']));
  });

  it.each([
    ['another authority', async () => makeCertificate(['127.0.0.1'], { authority: await makeAuthority() })],
    ['itself', () => makeCertificate(['127.0.0.1'])],
    ['expired', () => makeServer(['127.0.0.1'], { until: new Date(Date.now() - 1_000) })],
    ['not yet valid', () => makeServer(['127.0.0.1'], { from: new Date(Date.now() + 3_600_000) })],
    ['another name', () => makeServer(['other.example'])],
  ])('and to no other: %s', async (_, make) => {
    authority = await makeAuthority('etcd');
    const { options, keys } = await withClient();
    const seen: string[] = [];
    const port = await serveSecure(await make(), seen);
    const { round } = await setupEtcdCheck({ port, servername: 'etcd.example', ...options }, { keys });
    const observations = await round();
    expect(foundByEtcd(observations)).toEqual(['etcd_up 1']);
    expect(notesOfEtcd(observations)).toEqual([
      expect.stringMatching(/^it answers, and more is unknown: .*so no request is sent/),
    ]);
    expect(seen).toEqual([]);
  });

  it('without the certificate that it asks for, it is alive and hidden', async () => {
    authority = await makeAuthority('etcd');
    const { round } = await setupEtcdCheck({ port: await serveSecure(await makeServer()), tls: true });
    const seen = await round();
    expect(foundByEtcd(seen)).toEqual(['etcd_up 1']);
    expect(notesOfEtcd(seen)).toEqual([expect.stringContaining('it requires a client certificate')]);
  });
});

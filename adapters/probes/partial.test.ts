// A check that lacks series as its service hides them, or does not answer, says so: alerts on them would end as stale.

import type { RequestListener } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../test/certificates.ts';
import { APISERVER_FILES, replay } from '../../test/kube/replay.ts';
import { useBastion } from '../../test/prober-fleet.ts';
import { setupServiceCheck } from '../../test/service-check.ts';
import { closedPort, serveHttp, serveTls } from '../../test/services.ts';

useBastion();

let server: Certificate;
beforeAll(async () => {
  server = await makeCertificate(['127.0.0.1']);
});

const answering =
  (status: number, body = ''): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end(body);
const http = (status: number, body?: string) => () => serveHttp(answering(status, body));
const https = (status: number, body?: string) => () => serveTls(server, answering(status, body));
const viaBastion = { via: 'bastion' };
const prometheus = { ...viaBastion, series: [{ name: 'x', metric: 'x' }] };
const values = { values: { x: '$.x' } };
const ETCD = 'etcd_server_has_leader 1\n';

type Situation = [what: string, probe: string, options: Record<string, unknown>, port: () => Promise<number>];

describe('a part is missing', () => {
  it.each<Situation>([
    ...['apiserver', 'etcd', 'http', 'tcp'].map(
      (probe): Situation => [`${probe}, nobody listens`, probe, viaBastion, closedPort],
    ),
    ['apiserver, hidden', 'apiserver', {}, https(401)],
    ['apiserver, odd', 'apiserver', {}, https(404)],
    ['etcd, hidden', 'etcd', viaBastion, http(403)],
    ['etcd, something else', 'etcd', viaBastion, http(200, 'x 1\n')],
    ['etcd, without health', 'etcd', viaBastion, http(200, ETCD)],
    ['kubelet, hidden', 'kubelet', viaBastion, http(401)],
    ['kubelet, something else', 'kubelet', viaBastion, http(404)],
    ['http, without the value', 'http', values, http(200, '{"y": 1}')],
    ['http, no JSON', 'http', values, http(200, 'x')],
    ['prometheus, without the series', 'prometheus', prometheus, http(200, 'y 1\n')],
  ])('%s', async (_, probe, options, open) => {
    const { round } = await setupServiceCheck(probe, { port: await open(), ...options });
    expect((await round()).isPartial).toBe(true);
  });

  it('tls, a chosen port where nobody listens', async () => {
    const { round } = await setupServiceCheck('tls', { ports: [await closedPort()] });
    expect((await round()).isPartial).toBe(true);
  });

  it('hostkey, nobody listens', async () => {
    const { round } = await setupServiceCheck('hostkey', {});
    expect((await round()).isPartial).toBe(true);
  });
});

describe('nothing is missing', () => {
  it.each<Situation>([
    ['apiserver', 'apiserver', {}, () => serveTls(server, replay(APISERVER_FILES, 'apiserver/ok').listener)],
    [
      'apiserver, not ready',
      'apiserver',
      {},
      () => serveTls(server, replay(APISERVER_FILES, 'apiserver/etcd-dead').listener),
    ],
    ['kubelet, unhealthy', 'kubelet', viaBastion, http(500)],
    ['kubelet, down', 'kubelet', viaBastion, closedPort],
    ['http', 'http', values, http(200, '{"x": 1}')],
    ['http, another answer than expected', 'http', values, http(500, '{"x": 1}')],
    ['prometheus', 'prometheus', prometheus, http(200, 'x 1\n')],
  ])('%s', async (_, probe, options, open) => {
    const { round } = await setupServiceCheck(probe, { port: await open(), ...options });
    expect((await round()).isPartial).toBe(false);
  });

  it('tls, of the usual ports a node has only some', async () => {
    const { round } = await setupServiceCheck('tls', {});
    expect((await round()).isPartial).toBe(false);
  });
});

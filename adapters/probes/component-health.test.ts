import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, makeCertificate } from '../../test/certificates.ts';
import { batchOf, targetOf } from '../../test/prober-fixture.ts';
import { healthyNode, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { setupServiceCheck } from '../../test/service-check.ts';
import { closedPort, foundBy, serveHttp, serveRaw, serveTls } from '../../test/services.ts';
import { PROBES } from './registry.ts';

useBastion();

let server: Certificate;
beforeAll(async () => {
  server = await makeCertificate(['localhost']);
});

interface Kind {
  type: string;
  metric: string;
  path: string;
  tls: boolean;
  port: number;
}
const KINDS: readonly Kind[] = [
  { type: 'kubelet', metric: 'kubelet_healthy', path: '/healthz', tls: false, port: 10248 },
  { type: 'konnectivity', metric: 'konnectivity_ready', path: '/readyz', tls: false, port: 8134 },
  { type: 'scheduler', metric: 'scheduler_healthy', path: '/healthz', tls: true, port: 10259 },
  {
    type: 'controller-manager',
    metric: 'controller_manager_healthy',
    path: '/healthz',
    tls: true,
    port: 10257,
  },
];

/** One round against a server that answers so, and does not know other paths. */
async function ask({ type, tls, path }: Kind, status: number, body = '') {
  const listener: RequestListener = ({ url }, response) =>
    void response.writeHead(url === path ? status : 404).end(body);
  const port = await (tls ? serveTls(server, listener) : serveHttp(listener));
  const { round } = await setupServiceCheck(type, { via: 'bastion', port });
  return round();
}

describe.each(KINDS)('$type', (kind) => {
  const { type, metric, path, port } = kind;
  const limits = kind.tls ? [expect.stringMatching(/^not watched: which .* leads, .*`token`/)] : [];

  it('is on the loopback of its node by default', () => {
    const probe = PROBES.find((one) => one.type === type);
    const options = probe?.options.parse({}) as Record<string, unknown>;
    expect(probe?.endpointsFor(options)).toEqual([{ via: 'node', port }]);
    expect(probe?.logsIn(options)).toBe(true);
    expect(probe?.metrics).toEqual([metric]);
  });

  it('is well', async () => {
    expect(await ask(kind, 200, 'ok')).toEqual({
      found: [`${metric} 1`],
      notes: limits,
      isPartial: false,
    });
  });

  it.each([
    [500, '[+]ping ok\n[-]leaderElection failed: reason withheld\nhealthz check failed\n', 'leaderElection'],
    [503, 'no agents connected', '"no agents connected"'],
  ])('is not: %i', async (status, body, reason) => {
    expect(await ask(kind, status, body)).toEqual({
      found: [`${metric} 0`],
      notes: [`${path} answers ${status}: ${reason}`, ...limits],
      isPartial: false,
    });
  });

  it.each([401, 403])('is not watched where it answers %i', async (status) => {
    const { found, notes } = await ask(kind, status);
    expect(found).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(`^not watched: ${path} answers ${status}; an .http. check with the .token.`),
    ]);
  });

  it('is unknown where another service answers', async () => {
    const { found, notes } = await ask(kind, 404);
    expect([found, notes]).toEqual([[], [`unknown: ${path} answers 404: is another service on this port?`]]);
  });

  it.each<[string, () => Promise<number>]>([
    ['nobody listens', closedPort],
    ['it hangs up', () => serveRaw((socket: Socket) => socket.destroy())],
    ['it never answers', () => serveRaw(() => {})],
  ])('is not well if %s', async (_, listen) => {
    const { round } = await setupServiceCheck(type, { via: 'bastion', port: await listen() });
    const { found, notes } = await round();
    expect(found).toEqual([`${metric} 0`]);
    expect(notes).toHaveLength(1 + limits.length);
  });
});

it('all are asked in one session of the node', async () => {
  const plain = await serveHttp((_, response) => void response.end('ok'));
  const secure = await serveTls(server, (_, response) => void response.end('ok'));
  const node = await healthyNode();
  const checks = KINDS.map(({ type, tls }) => ({
    name: type,
    probe: type,
    options: { port: tls ? secure : plain },
  }));
  const { prober } = await setupProber({}, { checks });
  const names = KINDS.map(({ type }) => type);
  const { observations } = await prober.probe(batchOf([targetOf('n', node)], { checks: names }));
  expect(names.map((name) => foundBy(observations, name))).toEqual(
    KINDS.map(({ metric }) => [`${metric} 1`]),
  );
  expect(node.logins).toBe(1);
});

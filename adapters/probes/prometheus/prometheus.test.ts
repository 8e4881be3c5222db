import { describe, expect, it } from 'vitest';
import { samplesOf } from '../../../core/parse/samples.ts';
import { makeAuthority, makeCertificate } from '../../../test/certificates.ts';
import { flood } from '../../../test/node-behaviour.ts';
import { batchOf, targetOf } from '../../../test/prober-fixture.ts';
import { healthyNode, setupProber, useBastion } from '../../../test/prober-fleet.ts';
import { closedPort, foundBy, notesOf, serveHttp, serveRaw, serveTls } from '../../../test/services.ts';
import { optionsSchema } from './options.ts';

useBastion();

const TEXT = 'workqueue_depth{name="foo"} 3\nworkqueue_depth{name="bar"} 4\nrequests_total 1e+06\n';
const depth = { name: 'depth', metric: 'workqueue_depth', labels: { name: 'foo' } };

async function observe(options: Record<string, unknown>, keys: Record<string, string> = {}, execMs = 300) {
  const node = await healthyNode();
  const { prober } = await setupProber(
    { deadlines: { execMs } },
    { checks: [{ name: 'queue', probe: 'prometheus', options: { series: [depth], ...options } }], keys },
  );
  const batch = batchOf([targetOf('n', node)], { checks: ['usage', 'queue'] });
  const observation = await prober.probe(batch);
  const { observations } = observation;
  return {
    found: foundBy(observations, 'queue'),
    notes: notesOf(observations, 'queue'),
    usage: foundBy(observations, 'usage').length,
    samples: samplesOf(observation),
  };
}

describe('chosen series', () => {
  it('are values of the check', async () => {
    const port = await serveHttp((request, response) => {
      response.writeHead(request.url === '/federate?match=1' ? 200 : 404).end(TEXT);
    });
    const series = [
      depth,
      { name: 'all', metric: 'workqueue_depth', reduce: 'sum' },
      { name: 'requests', metric: 'requests_total' },
      { name: 'absent', metric: 'absent' },
    ];
    for (const via of ['node', 'bastion']) {
      const { found, notes, samples } = await observe({ port, via, path: '/federate?match=1', series });
      expect(found).toEqual(['check_value{all} 7', 'check_value{depth} 3', 'check_value{requests} 1000000']);
      expect(notes).toEqual(['no value for absent: no series matches']);
      const labels = { cluster: 'c', node: 'n', role: 'etcd', check: 'queue', name: 'depth' };
      expect(samples).toContainEqual({ metric: 'check_value', labels, timeMs: 60_000, value: 3 });
    }
  });

  it('may need HTTPS and a token, which goes to a server that `ca` verifies', async () => {
    const authority = await makeAuthority();
    const keys = { '${file:ca.pem}': authority.cert, '${file:token}': 'secret-token\n' };
    const options = { tls: true, ca: '${file:ca.pem}', token: '${file:token}' };
    const seen: unknown[] = [];
    const serve = async (server: object) =>
      serveTls(server, ({ headers }, response) => {
        seen.push(headers.authorization);
        response.end(TEXT);
      });
    const right = await serve(await makeCertificate(['127.0.0.1'], { authority }));
    expect((await observe({ port: right, ...options }, keys)).found).toEqual(['check_value{depth} 3']);
    const wrong = await serve(await makeCertificate(['127.0.0.1']));
    const { found, notes } = await observe({ port: wrong, ...options }, keys);
    expect(found).toEqual(['failed: auth/tls']);
    expect(notes.join()).not.toContain('secret');
    expect(seen).toEqual(['Bearer secret-token']);
  });

  it.each([
    ['nobody listens', closedPort, 'unreachable/connect', /did not reach/],
    ['nobody answers', () => serveRaw(() => {}), 'timeout/request', /no answer within/],
    [
      'a redirect',
      () => serveHttp((_, response) => void response.writeHead(302, { location: '/x' }).end()),
      'output/request',
      /HTTP 302$/,
    ],
    [
      'no permission',
      () => serveHttp((_, response) => void response.writeHead(403).end()),
      'auth/request',
      /HTTP 403; they need another credential$/,
    ],
    [
      'a plain request to HTTPS',
      () => serveHttp((_, response) => void response.writeHead(400).end()),
      'output/request',
      /write `tls: true`$/,
    ],
    [
      'a web page',
      () => serveHttp((_, response) => void response.end('<!doctype html>\n<p>1</p>\n')),
      'output/request',
      /shows no metrics/,
    ],
  ])('fail their check alone: %s', async (_, serve, outcome, detail) => {
    const { found, notes, usage, samples } = await observe({ port: await serve() });
    expect(found).toEqual([`failed: ${outcome}`]);
    expect(notes).toEqual([expect.stringMatching(detail)]);
    expect(usage).toBeGreaterThan(3);
    const valueOfCheck = (metric: string) => samples.find((sample) => sample.metric === metric)?.value;
    expect([valueOfCheck('probe_success'), valueOfCheck('up')]).toEqual([0, 1]);
  });

  it('fail their check alone: an endless web page', async () => {
    const port = await serveHttp((_, response) => flood(response));
    const { found, usage } = await observe({ port }, {}, 20_000);
    expect(found).toEqual(['failed: output/request']);
    expect(usage).toBeGreaterThan(3);
  });

  it('are found among 60,000 families', async () => {
    const families = Array.from(
      { length: 60_000 },
      (_, i) => `metric_${i}{code="200",verb="GET"} ${i}\n`,
    ).join('');
    const port = await serveHttp((_, response) => void response.end(TEXT + families));
    expect((await observe({ port })).found).toEqual(['check_value{depth} 3']);
  });
});

describe('options', () => {
  it.each([
    [{ port: 1, series: [depth] }, []],
    [{ series: [depth] }, ['port']],
    [{ port: 1 }, ['series']],
    [{ port: 1, series: [] }, ['series']],
    [{ port: 1, series: [depth, depth] }, ['series']],
    [{ port: 1, series: [{ ...depth, name: 'a b' }] }, ['series.0.name']],
    [{ port: 1, series: [{ ...depth, metric: 'a b' }] }, ['series.0.metric']],
    [{ port: 1, series: [{ ...depth, metric: 'up{job="x"}' }] }, ['series.0.metric']],
    [{ port: 1, series: [{ ...depth, metric: 'node.cpu:rate' }] }, []],
    [{ port: 1, series: [{ ...depth, labels: { 'a b': 'x' } }] }, ['series.0.labels.a b']],
    [{ port: 1, series: [{ ...depth, reduce: 'p99' }] }, ['series.0.reduce']],
    [{ port: 1, path: 'metrics', series: [depth] }, ['path']],
    [{ port: 1, path: '/a b', series: [depth] }, ['path']],
    [{ port: 1, token: '${env:T}', series: [depth] }, ['token']],
    [{ port: 1, token: '${env:T}', tls: true, series: [depth] }, ['token']],
  ])('%j', (options, paths) => {
    const { error } = optionsSchema.safeParse(options);
    expect(error?.issues.map(({ path }) => path.join('.')) ?? []).toEqual(paths);
  });
});

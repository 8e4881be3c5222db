// The requests of Grafana's Prometheus data source, as its source sends them: pkg/promlib (client.go, healthcheck.go, heuristics.go) and
// packages/grafana-prometheus/src (resource_clients.ts, language_provider.ts, datasource.ts).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import type { Config } from '../../core/model/config.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { SampleStore } from '../../core/ports.ts';
import { alertOf, transitionOf } from '../../test/contract/state-fixtures.ts';
import { createHistoryFixture } from '../../test/history-fixture.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createPrometheusRoutes } from './routes.ts';

const START_S = 1_800_057_600;
const NOW_S = START_S + 600;
const MINUTE_S = 60;
const checks = [{ name: 'usage', probe: 'usage', everyMs: 60_000, where: {}, options: {} }];
const rule: Rule = {
  name: 'mem',
  title: 'Memory',
  metric: 'mem_usage',
  where: { role: ['etcd'] },
  condition: { kind: 'above', threshold: 90 },
  forMs: 300_000,
  keepFiringForMs: 0,
  noData: 'keepLast',
  severity: 'critical',
  inhibitedBy: [],
  runbook: 'https://runbooks.example/mem',
};
const config = { checks, rules: [rule], store: { retentionMs: 7 * 86_400_000 } } as unknown as Config;
const nodeLabels = (node: string) => ({ cluster: 'c', node, role: 'etcd' });

let path: string;
let store: SampleStore;
let fixture: ReturnType<typeof createHistoryFixture>;

beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'grafana-'));
  store = openSqliteStore({ path });
  const minutes = Array.from({ length: 11 }, (_, i) => i);
  await store.write(
    ['a', 'b'].flatMap((node, n) =>
      minutes.flatMap((i) => {
        const timeMs = (START_S + i * MINUTE_S) * 1000;
        const mem = { metric: 'mem_usage', labels: nodeLabels(node), timeMs, value: 50 * (n + 1) + i };
        return [mem, { ...mem, metric: 'up', value: 1 }];
      }),
    ),
  );
  const state = createMemoryState();
  const alert = alertOf('b', { sinceMs: START_S * 1000, firedAtMs: (START_S + 300) * 1000, value: 91 });
  const transitions = [transitionOf(alert, 'firing', (START_S + 300) * 1000)];
  await state.commitAlert({ alert, expectedVersion: 0, transitions, dueAtMs: 0 });
  fixture = createHistoryFixture({
    routes: [createPrometheusRoutes()],
    state,
    store,
    config,
    clock: { nowMs: () => NOW_S * 1000 },
  });
});

afterAll(async () => {
  await store.close();
  rmSync(path, { recursive: true });
});

const post = (path: string, form = '') =>
  fixture.json(path, {
    method: 'POST',
    body: form,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
const get = (path: string) => fixture.json(path);
const range = `start=${START_S}&end=${NOW_S}`;
const success = (data: unknown) => ({ status: 200, body: { status: 'success', data } });

describe('"Save & test"', () => {
  it('asks for 1+1 at the fourth second of 1970', async () => {
    expect(await post('/api/v1/query', 'query=1%2B1&time=4')).toEqual(
      success({ resultType: 'scalar', result: [4, '2'] }),
    );
  });

  it('asks for the build by POST first, which must be answered with 405, then by GET; no features, so it is Prometheus', async () => {
    expect(await post('/api/v1/status/buildinfo')).toMatchObject({ status: 405 });
    expect(await get('/api/v1/status/buildinfo')).toEqual(
      success(expect.objectContaining({ version: '3.0.0' })),
    );
    expect(await get('/api/v1/status/buildinfo')).not.toHaveProperty('body.data.features');
  });
});

describe('a panel', () => {
  it('asks for a range', async () => {
    const query = encodeURIComponent('max by (node) (bartizan_mem_usage_percent{cluster=~"c|d"})');
    const answered = await post(
      '/api/v1/query_range',
      `end=${NOW_S}&query=${query}&start=${START_S}&step=300&timeout=60s`,
    );
    const values = (first: number) => [0, 5, 10].map((i) => [START_S + i * MINUTE_S, String(first + i)]);
    expect(answered).toEqual(
      success({
        resultType: 'matrix',
        result: [
          { metric: { node: 'a' }, values: values(50) },
          { metric: { node: 'b' }, values: values(100) },
        ],
      }),
    );
  });

  it('asks for an instant, with milliseconds', async () => {
    const { body } = await post('/api/v1/query', `query=up&time=${NOW_S}.5`);
    expect(body).toMatchObject({
      data: { result: [{ metric: { __name__: 'up' }, value: [NOW_S + 0.5, '1'] }, {}] },
    });
  });

  it('asks for exemplars', async () => {
    expect(await post('/api/v1/query_exemplars', `end=${NOW_S}&query=up&start=${START_S}`)).toEqual(
      success([]),
    );
  });

  it('asks for alerts', async () => {
    const { body } = await get(`/api/v1/query?query=ALERTS&time=${NOW_S}`);
    const metric = {
      __name__: 'ALERTS',
      alertname: 'mem',
      alertstate: 'firing',
      severity: 'critical',
      ...nodeLabels('b'),
    };
    expect(body).toMatchObject({ data: { result: [{ metric, value: [NOW_S, '1'] }] } });
  });
});

describe('the query builder', () => {
  it('asks for metrics', async () => {
    const { data } = (await get(`/api/v1/label/__name__/values?limit=40000&${range}`)).body as {
      data: string[];
    };
    expect(data).toEqual([...data].sort());
    expect(data).toEqual(
      expect.arrayContaining(['ALERTS', 'bartizan_mem_usage_percent', 'bartizan_up', 'up']),
    );
    expect(data).not.toContain('bartizan_cert_expiry_seconds');
  });

  it('asks for the help of all metrics', async () => {
    const { body } = await get('/api/v1/metadata?limit=20000');
    expect(body).toMatchObject({
      data: { bartizan_mem_usage_percent: [{ type: 'gauge', help: expect.any(String), unit: 'percent' }] },
    });
    const { data } = (await get('/api/v1/metadata?limit=2')).body as { data: object };
    expect(Object.keys(data)).toHaveLength(2);
    expect(await get('/api/v1/metadata?metric=up')).toMatchObject({
      body: { data: { up: [{ type: 'gauge' }] } },
    });
  });

  it('asks for labels, of all series and of some', async () => {
    const all = await post('/api/v1/labels', `limit=40000&${range}`);
    expect(all).toMatchObject({
      body: { data: expect.arrayContaining(['__name__', 'cluster', 'mount', 'node', 'severity']) },
    });
    const match = encodeURIComponent('bartizan_mem_usage_percent');
    const some = await post(`/api/v1/labels?limit=40000&${range}&match[]=${match}`);
    expect(some).toEqual(success(['__name__', 'cluster', 'node', 'role']));
  });

  it('asks for values of a label, of all series and of some', async () => {
    expect(await get(`/api/v1/label/node/values?${range}`)).toEqual(success(['a', 'b']));
    const match = encodeURIComponent('{__name__="bartizan_mem_usage_percent",node!="a"}');
    expect(await get(`/api/v1/label/node/values?limit=40000&${range}&match[]=${match}`)).toEqual(
      success(['b']),
    );
    expect(await get(`/api/v1/label/alertname/values?${range}`)).toEqual(success(['mem']));
    expect(await get(`/api/v1/label/nothing/values?${range}`)).toEqual(success([]));
  });

  it('asks for series, of some metrics and of all', async () => {
    const some = await post('/api/v1/series', `limit=40000&match%5B%5D=up%7Bnode%3D%22a%22%7D&${range}`);
    expect(some).toEqual(success([{ __name__: 'up', ...nodeLabels('a') }]));
    const all = await post('/api/v1/series', `limit=40000&match%5B%5D=%7B__name__%21%3D%22%22%7D&${range}`);
    expect((all.body as { data: unknown[] }).data).toHaveLength(6 + 3);
    const cut = await post('/api/v1/series', `limit=1&match%5B%5D=up&${range}`);
    expect(cut.body).toMatchObject({ data: [{}], warnings: ['results truncated due to limit'] });
    expect(await post('/api/v1/series', range)).toMatchObject({ status: 400 });
  });
});

describe('alerting', () => {
  it('asks for rules', async () => {
    const { body } = await get('/api/v1/rules');
    expect(body).toMatchObject({
      data: {
        groups: [
          {
            name: 'bartizan',
            interval: 60,
            rules: [
              {
                state: 'firing',
                name: 'mem',
                query: 'bartizan_mem_usage_percent{role=~"(?s:etcd)"} > 90',
                duration: 300,
                labels: { severity: 'critical' },
                annotations: { title: 'Memory', runbook_url: 'https://runbooks.example/mem' },
                alerts: [
                  { state: 'firing', value: '9.1e+01', activeAt: new Date(START_S * 1000).toISOString() },
                ],
                type: 'alerting',
              },
            ],
          },
        ],
      },
    });
    expect(await get('/api/v1/rules?type=record')).toEqual(success({ groups: [] }));
    expect(await get('/api/v1/rules?rule_name[]=other')).toEqual(success({ groups: [] }));
    expect(await get('/api/v1/rules?exclude_alerts=true')).toMatchObject({
      body: { data: { groups: [{ rules: [{ alerts: [] }] }] } },
    });
  });

  it('asks for alerts', async () => {
    const labels = { alertname: 'mem', severity: 'critical', ...nodeLabels('b') };
    expect(await get('/api/v1/alerts')).toMatchObject({
      body: { data: { alerts: [{ labels, state: 'firing' }] } },
    });
  });
});

describe('/federate', () => {
  it('has the newest sample of each series, with its time', async () => {
    const response = await fixture.get(
      '/federate?match[]=up&match[]=ALERTS&match[]={__name__="up",node="a"}',
    );
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe(
      [
        '# TYPE ALERTS gauge',
        `ALERTS{alertname="mem",alertstate="firing",cluster="c",instance="",node="b",role="etcd",severity="critical"} 1 ${NOW_S * 1000}`,
        '# TYPE up gauge',
        `up{cluster="c",instance="",node="a",role="etcd"} 1 ${NOW_S * 1000}`,
        `up{cluster="c",instance="",node="b",role="etcd"} 1 ${NOW_S * 1000}`,
        '',
      ].join('\n'),
    );
  });

  it('needs a selector', async () => {
    expect(await get('/federate')).toMatchObject({ status: 400 });
  });
});

// Nothing that a token's selector hides changes an answer, on any route.

import type { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createAlertmanagerRoutes } from '../alertmanager/routes.ts';
import { createApiRoutes } from '../api/routes.ts';
import { createHistoryApp, type HistoryEnv } from '../app.ts';
import { createPrometheusRoutes } from '../prometheus/routes.ts';
import { createLimitedPorts } from './limited-ports.ts';
import { CASES, type Case, createPorts, MINUTE, NOW } from './selector.fixture.ts';

const ROUTES = [
  createPrometheusRoutes(),
  createAlertmanagerRoutes(),
  createApiRoutes(),
] as Hono<HistoryEnv>[];
const RANGE = `from=${NOW - 20 * MINUTE}&to=${NOW}`;
const BETWEEN = `start=${(NOW - 20 * MINUTE) / 1000}&end=${NOW / 1000}&step=60`;
const alertId = (labels: object) => encodeURIComponent(`mem:${JSON.stringify(labels)}`);
const ALERTS = ['a1', 'b1', 'c2'].map((node) =>
  alertId({ cluster: node[0], node, role: node === 'c2' ? 'apiserver' : 'etcd' }),
);
const QUERIES = [
  'bartizan_mem_usage_percent',
  'sum(bartizan_mem_usage_percent)',
  'count by (cluster) (up)',
  'topk(2, bartizan_cpu_usage_percent)',
  'absent(up{cluster="b"})',
  'count({__name__=~"bartizan_.+"})',
  'ALERTS',
  'count(ALERTS{alertstate="firing"}) or vector(0)',
  'avg_over_time(bartizan_mem_usage_percent[10m])',
  'bartizan_mem_usage_percent{customer="beta"} or up{cluster="x"}',
].map(encodeURIComponent);

/** What is asked of each route that reads. A new one fails here until it is in the list. */
const REQUESTS: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/query': QUERIES.map((query) => `/api/v1/query?query=${query}&time=${NOW / 1000}`),
  '/api/v1/query_range': QUERIES.map((query) => `/api/v1/query_range?query=${query}&${BETWEEN}`),
  '/api/v1/query_exemplars': ['/api/v1/query_exemplars?query=up'],
  '/api/v1/series': [
    '/api/v1/series?match[]=up',
    '/api/v1/series?match[]={cluster!=""}',
    '/api/v1/series?match[]=ALERTS&limit=2',
  ],
  '/api/v1/labels': ['/api/v1/labels', '/api/v1/labels?match[]=up'],
  '/api/v1/label/:name/values': ['cluster', 'node', '__name__', 'alertname'].map(
    (name) => `/api/v1/label/${name}/values`,
  ),
  '/api/v1/metadata': ['/api/v1/metadata'],
  '/api/v1/rules': ['/api/v1/rules'],
  '/api/v1/alerts': ['/api/v1/alerts'],
  '/api/v1/status/buildinfo': ['/api/v1/status/buildinfo'],
  '/federate': ['/federate?match[]={__name__=~".%2B"}'],
  '/api/v2/status': ['/api/v2/status'],
  '/api/v2/receivers': ['/api/v2/receivers'],
  '/api/v2/alerts': ['/api/v2/alerts', '/api/v2/alerts?silenced=false'],
  '/api/v2/alerts/groups': ['/api/v2/alerts/groups'],
  '/api/v2/silences': ['/api/v2/silences'],
  '/api/v2/silence/:id': ['a/a1', 'b/b1'].map((id) => `/api/v2/silence/${encodeURIComponent(`of ${id}`)}`),
  '/v1/clusters': ['/v1/clusters'],
  '/v1/nodes': ['/v1/nodes', '/v1/nodes?limit=1'],
  '/v1/series': ['/v1/series?metric=up'],
  '/v1/latest': ['/v1/latest?metric=mem_usage', '/v1/latest?metric=up&limit=2'],
  '/v1/range': [`/v1/range?metric=mem_usage&${RANGE}`, `/v1/range?metric=mem_usage&${RANGE}&bins=4`],
  '/v1/alerts': ['/v1/alerts', '/v1/alerts?limit=1'],
  '/v1/alerts/:id': ALERTS.map((id) => `/v1/alerts/${id}`),
  '/v1/firings': [`/v1/firings?${RANGE}`],
  '/v1/transitions': [
    `/v1/transitions?${RANGE}`,
    `/v1/transitions?${RANGE}&limit=1`,
    `/v1/transitions?${RANGE}&format=annotations`,
  ],
  '/v1/incidents': ['/v1/incidents', '/v1/incidents?limit=1', '/v1/incidents?state=open'],
  '/v1/incidents/:id': ['rule mem', 'cluster a', 'cluster b'].map(
    (id) => `/v1/incidents/${encodeURIComponent(id)}`,
  ),
  '/v1/deliveries': ['/v1/deliveries', '/v1/deliveries?limit=1', '/v1/deliveries?incident=rule%20mem'],
  '/v1/silences': ['/v1/silences'],
  '/v1/rules': ['/v1/rules'],
  '/v1/audit': ['/v1/audit'],
  '/v1/backtests': [`/v1/backtests?${RANGE}`, `/v1/backtests?${RANGE}&rule=mem`],
  '/v1/pictures': [`/v1/pictures?metric=mem_usage&${RANGE}`, `/v1/pictures?alert=${ALERTS[1]}`],
  '/v1/status': ['/v1/status'],
  '/openapi.json': ['/openapi.json'],
  '/docs': ['/docs'],
};

it('the list has each route that reads', () => {
  const reads = ROUTES.flatMap(({ routes }) => routes).filter(({ method }) => method === 'GET');
  const paths = new Set(reads.map(({ path }) => path.replace(/\{(\w+)\}/g, ':$1')));
  expect([...paths].filter((path) => path !== '/*').sort()).toEqual(Object.keys(REQUESTS).sort());
});

async function answers(wanted: Case, inside: number, outside: number): Promise<Map<string, string>> {
  const ports = await createPorts(wanted, inside, outside);
  const limited = createLimitedPorts(ports);
  const app = createHistoryApp({
    authenticate: async () => ({ name: 'token t', scope: 'admin', selector: wanted.selector }),
    portsFor: async (principal) => limited(principal),
    routes: ROUTES,
  });
  const found = new Map<string, string>();
  for (const path of Object.values(REQUESTS).flat()) {
    const response = await app.request(path);
    const headers = JSON.stringify([...response.headers].sort());
    found.set(path, `${response.status} ${headers}\n${await response.text()}`);
  }
  return found;
}

/** What the ports answer, which routes may show one day. */
async function readPorts(wanted: Case, inside: number, outside: number): Promise<readonly unknown[]> {
  const ports = createLimitedPorts(await createPorts(wanted, inside, outside))({
    ...{ name: 'token t', scope: 'admin', selector: wanted.selector },
  });
  const { state } = ports;
  const all = { fromMs: 0, toMs: NOW };
  const lists = [1, 2, 100].flatMap((limit) => [
    state.listTransitions({ ...all, limit }),
    state.listIncidents({ limit }),
    state.listIncidents({ open: false, limit }),
    state.listDeliveries({ limit }),
  ]);
  const wholes = [
    ...[ports.config(), ports.targets(), state.listAlerts(), state.openIncidents(), state.listTargetStatus()],
    state.listSilences({ endedAfterMs: 0 }),
    ports.store.latest({ metric: 'up', sinceMs: 0 }),
  ];
  return [Object.keys(ports), ...(await Promise.all([...lists, ...wholes]))];
}

describe.each(CASES.map((one) => [JSON.stringify(one.selector), one] as const))('%s', (_, wanted) => {
  it('no answer changes when what it hides changes', async () => {
    for (let inside = 1; inside <= 2; inside++) {
      const first = await answers(wanted, inside, 1);
      for (const outside of [2, 9]) {
        const other = await answers(wanted, inside, outside);
        for (const [path, answer] of first) expect(other.get(path), path).toBe(answer);
        expect(await readPorts(wanted, inside, outside)).toEqual(await readPorts(wanted, inside, 1));
      }
    }
  });
});

it('answers change with what is shown, and only what is hidden is refused', async () => {
  const [wanted] = CASES as readonly [Case];
  const [one, other] = [await answers(wanted, 1, 1), await answers(wanted, 2, 1)];
  const changed = [...one].filter(([path, answer]) => other.get(path) !== answer).map(([path]) => path);
  expect(changed.length).toBeGreaterThan(30);
  const refused = [...one].filter(([, answer]) => !answer.startsWith('200')).map(([path]) => path);
  const hidden = ['b%2Fb1', ALERTS[1], ALERTS[2], 'rule%20mem', 'cluster%20b', '/v1/audit'];
  expect(refused.filter((path) => !hidden.some((one) => path.endsWith(one ?? '')))).toEqual([]);
});

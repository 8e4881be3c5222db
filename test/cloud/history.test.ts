// The deployed function answers a query of history as a local process does over the same samples and state.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { targetsOf } from '../../adapters/inventory/file.ts';
import { createTableState } from '../../adapters/state/dynamodb/state.ts';
import { createToken } from '../../history/access/token.ts';
import { createPrometheusRoutes } from '../../history/prometheus/routes.ts';
import { createHistoryFixture } from '../history-fixture.ts';
import { type Cloud, MINUTE, startCloud } from './cloud.ts';
import { fleetConfig, observeFleet } from './fleet.ts';

const START = 480_000 * 3_600_000;
const config = fleetConfig({ bastions: 1, clusters: 2 });
let dir: string;
let cloud: Cloud;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-cloud-history-'));
  cloud = startCloud({ config, dir, startMs: START, shards: 2, probe: observeFleet });
  for (let minute = 0; minute < 5; minute++) await cloud.round(START + minute * MINUTE);
  await cloud.settle();
});
afterEach(async () => {
  await cloud.store.close();
  rmSync(dir, { recursive: true });
});

it('answers the same Prometheus queries as a local process', async () => {
  const clock = { nowMs: cloud.nowMs };
  const state = createTableState(cloud.table, { clock, historyMs: 30 * 24 * 60 * MINUTE });
  const { text: token, id, hash } = createToken();
  await state.putToken({ id, hash, name: 'grafana', scope: 'read', createdAtMs: START, author: 'ada' });
  const targets = targetsOf(config.clusters);
  const routes = [createPrometheusRoutes()];
  const local = createHistoryFixture({ routes, state, store: cloud.store, config, targets, clock });

  const [start, end] = [START / 1000, START / 1000 + 300];
  for (const [path, asked] of [
    ['/api/v1/query_range', { query: 'bartizan_mem_usage_percent', start, end, step: 60 }],
    ['/api/v1/query', { query: 'avg by (cluster) (bartizan_mem_usage_percent)', time: end }],
    ['/api/v1/query', { query: 'ALERTS', time: end }],
    ['/api/v1/query', { query: 'rate(', time: end }],
    ['/api/v1/series', { 'match[]': '{cluster="c1"}', start, end }],
    ['/api/v1/rules', {}],
  ] as const) {
    const text = Object.entries(asked).map(([name, value]): [string, string] => [name, String(value)]);
    const rawQueryString = String(new URLSearchParams(text));
    const { statusCode, body = '' } = await cloud.ask(path, { rawQueryString, token });
    const expected = await local.json(`${path}?${rawQueryString}`);
    expect([path, statusCode, JSON.parse(body)]).toEqual([path, expected.status, expected.body]);
  }
  const { body = '' } = await cloud.ask('/api/v1/query', { rawQueryString: `query=up&time=${end}`, token });
  expect(JSON.parse(body).data.result).toHaveLength(targets.length);
  expect((await cloud.ask('/api/v1/query', { rawQueryString: 'query=up' })).statusCode).toBe(401);
});

import { beforeEach, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { Config } from '../../core/model/config.ts';
import type { PromqlAnswer, PromqlRequest } from '../../core/ports.ts';
import { createHistoryFixture } from '../../test/history-fixture.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createLimitedPorts } from '../access/limited-ports.ts';
import { createPrometheusRoutes } from './routes.ts';

const NOW = 1_800_057_600_000;
const config = {
  ...{ bastions: [], clusters: [], checks: [], rules: [], channels: [], silences: [], server: {}, audit: {} },
  store: { retentionMs: 86_400_000 },
} as unknown as Config;
let requests: PromqlRequest[];
let reply: (request: PromqlRequest) => Promise<PromqlAnswer>;
let fixture: ReturnType<typeof createHistoryFixture>;

beforeEach(() => {
  requests = [];
  reply = async () => ({
    status: 200,
    body: '{"status":"success","data":{"resultType":"vector","result":[]}}',
  });
  fixture = createHistoryFixture({
    routes: [createPrometheusRoutes()],
    state: createMemoryState(),
    store: {
      query: async () => [],
      latest: async () => [],
      rollUps: async () => [],
      async promql(request) {
        requests.push(request);
        return reply(request);
      },
    },
    config,
    clock: { nowMs: () => NOW },
  });
});

const asked = () =>
  requests.map(({ path, parameters }) => [
    path,
    new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString(),
  ]);

describe('a query over a store that knows PromQL', () => {
  it('is passed on with all that it says, and answered as the store answers', async () => {
    const response = await fixture.get(
      '/api/v1/query?query=bartizan_up&time=5&timeout=2s&limit=3&lookback_delta=1m',
    );
    expect(await response.text()).toBe('{"status":"success","data":{"resultType":"vector","result":[]}}');
    expect(asked()).toEqual([
      ['query', 'query=bartizan_up&time=5.000&timeout=2000ms&lookback_delta=60000ms&limit=3'],
    ]);
    await fixture.get('/api/v1/query_range?query=bartizan_up&start=0&end=60.5&step=1m');
    expect(asked()[1]).toEqual([
      'query_range',
      'query=bartizan_up&start=0.000&end=60.500&step=60.000&timeout=30000ms',
    ]);
  });

  it.each([
    ['1 + 1', true],
    ['rate(bartizan_net_rx_bytes_per_second[5m])', true],
    ['{__name__=~"bartizan_.*"}', true],
    ['bartizan_up * on(node) up', false],
    ['sum(max_over_time(ALERTS[5m]))', false],
    ['{__name__=~".+"}', false],
    ['{node="a"}', false],
    ['count_over_time(topk(2, ALERTS_FOR_STATE)[5m:1m])', false],
  ])('%s is passed on: %j', async (query, isPassed) => {
    await fixture.get(`/api/v1/query?query=${encodeURIComponent(query)}`);
    expect(requests).toHaveLength(isPassed ? 1 : 0);
  });

  it.each([
    ['up', false],
    ['sum(ALERTS) or bartizan_up', false],
    ['{__name__=~"up|bartizan_load1"}', false],
    ['prometheus_build_info and on() up', true],
    ['rate(bartizan_server_requests_total[5m]) + on() up', true],
    ['{node="a"}', true],
    ['{__name__=~"up|prometheus_.*"}', true],
  ])(
    'that is evaluated here says where it does not see all series of the store: %s',
    async (query, isSaid) => {
      const { body } = await fixture.json(`/api/v1/query?query=${encodeURIComponent(query)}`);
      expect(body).toMatchObject({ status: 'success' });
      expect(JSON.stringify(body).includes('the series of Bartizan alone')).toBe(isSaid);
    },
  );

  it('has at most `limit` series, whatever the store makes of that', async () => {
    const sample = (node: string) => ({ metric: { node, text: '\\",]}' }, value: [5, '1'] });
    const data = { resultType: 'vector', result: ['a', 'b', 'c'].map(sample) };
    reply = async () => ({ status: 200, body: JSON.stringify({ status: 'success', data, warnings: ['w'] }) });
    const { body } = await fixture.json('/api/v1/query?query=bartizan_up&limit=2');
    expect(body).toEqual({
      status: 'success',
      data: { ...data, result: ['a', 'b'].map(sample) },
      warnings: ['results truncated due to limit'],
    });
    expect((await fixture.json('/api/v1/query?query=bartizan_up&limit=3')).body).toMatchObject({ data });
  });

  it('is refused at times that the store would take for others', async () => {
    for (const path of [
      'query?query=1&time=8640000000000',
      'query_range?query=1&start=-9e12&end=0&step=9e9',
    ]) {
      expect(await fixture.json(`/api/v1/${path}`)).toMatchObject({ status: 400 });
    }
    expect(requests).toEqual([]);
  });

  it('is refused here where its text or its times are wrong', async () => {
    for (const path of [
      'query?query=rate(up)',
      'query?query=info(up)',
      'query_range?query=1&start=0&end=99999&step=1',
    ]) {
      expect(await fixture.json(`/api/v1/${path}`)).toMatchObject({ status: 400 });
    }
    expect(requests).toEqual([]);
  });

  it('of somebody with a selector is never passed on', async () => {
    const ports = createLimitedPorts({ ...fixture.ports })({
      name: 'token limited',
      scope: 'read',
      selector: [{ name: 'cluster', op: '=', value: 'a' }],
    });
    expect(ports.store).not.toHaveProperty('promql');
    Object.assign(fixture.ports, ports);
    for (const path of [
      'query?query=bartizan_up',
      'series?match[]=bartizan_up',
      'label/node/values',
      'labels?match[]=bartizan_up',
    ]) {
      expect(await fixture.json(`/api/v1/${path}`)).toMatchObject({ status: 200 });
    }
    expect(requests).toEqual([]);
  });

  it.each<[string, () => Promise<PromqlAnswer>, number, string]>([
    [
      'refuses it',
      async () => ({
        status: 422,
        body: '{"status":"error","errorType":"execution","error":"too many samples"}',
      }),
      422,
      'execution',
    ],
    [
      'answers too much',
      () => Promise.reject(new PermanentError('h answered more than 9 bytes')),
      422,
      'execution',
    ],
    ['is not there', () => Promise.reject(new RetryableError('h: connection refused')), 503, 'unavailable'],
  ])('of a store that %s', async (_, answer, status, errorType) => {
    reply = answer;
    expect(await fixture.json('/api/v1/query?query=bartizan_up')).toMatchObject({
      status,
      body: { status: 'error', errorType },
    });
  });

  it('ends when its time is over', async () => {
    reply = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const { status, body } = await fixture.json('/api/v1/query?query=bartizan_up&timeout=1ms');
    expect({ status, body }).toMatchObject({ status: 503, body: { errorType: 'timeout' } });
  });
});

describe('a store, or a proxy before it, that answers something else', () => {
  it.each([
    '<html>log in</html>',
    'null',
    '',
    '{"status":"error","errorType":"execution","error":"not for askers"}',
    '{"status":"success","data":[1,null]}',
    '{"status":"success","data":[{"__name__":5}]}',
    '{"status":"success"}',
  ])('%s', async (body) => {
    reply = async () => ({ status: 200, body });
    const match = 'match[]=bartizan_up';
    const isQuery = !body.startsWith('{"status":"success"');
    const paths = [`series?${match}`, `label/node/values?${match}`, ...(isQuery ? ['query?query=1'] : [])];
    for (const path of paths) {
      expect(await fixture.json(`/api/v1/${path}`)).toEqual({
        status: 503,
        body: {
          status: 'error',
          errorType: 'unavailable',
          error: 'the store does not answer now: try again',
        },
      });
    }
  });
});

describe('series over such a store', () => {
  it('are those that it names, `up` under both names and not that of what it scrapes', async () => {
    reply = async ({ parameters }) => {
      const isOfUp = parameters[0]?.[1] === '{__name__="bartizan_up",node!="x"}';
      const data = isOfUp
        ? [{ __name__: 'bartizan_up', node: 'a' }]
        : [
            { __name__: 'up', job: 'j' },
            { __name__: 'bartizan_load1', node: 'b' },
          ];
      return { status: 200, body: JSON.stringify({ status: 'success', data }) };
    };
    const match = encodeURIComponent('{__name__=~"up|bartizan_load1",node!="x"}');
    const { body } = await fixture.json(`/api/v1/series?match[]=${match}`);
    expect(body).toMatchObject({
      data: [
        { __name__: 'bartizan_load1', node: 'b' },
        { __name__: 'up', node: 'a' },
      ],
    });
    const { body: values } = await fixture.json(`/api/v1/label/node/values?match[]=${match}`);
    expect(values).toMatchObject({ data: ['a', 'b'] });
  });
});

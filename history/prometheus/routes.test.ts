import { beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../core/model/config.ts';
import type { SampleStore } from '../../core/ports.ts';
import { createHistoryFixture } from '../../test/history-fixture.ts';
import { createMemoryState } from '../../test/memory-state.ts';
import { createPrometheusRoutes } from './routes.ts';

const NOW = 1_800_057_600_000;
const config = { checks: [], rules: [], store: { retentionMs: 7 * 86_400_000 } } as unknown as Config;
let store: Pick<SampleStore, 'query' | 'latest' | 'rollUps'>;
let fixture: ReturnType<typeof createHistoryFixture>;

beforeEach(() => {
  store = { query: async () => [], latest: async () => [], rollUps: async () => [] };
  fixture = createHistoryFixture({
    routes: [createPrometheusRoutes()],
    state: createMemoryState(),
    store,
    config,
    clock: { nowMs: () => NOW },
  });
});

const form = (body: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(body) });
const scalar = (seconds: number, value: string) => ({
  status: 200,
  body: { status: 'success', data: { resultType: 'scalar', result: [seconds, value] } },
});

describe('/api/v1/query', () => {
  it('answers at the given time, by default now', async () => {
    expect(await fixture.json('/api/v1/query?query=1&time=12.5')).toEqual(scalar(12.5, '1'));
    expect(await fixture.json('/api/v1/query?query=1&time=2026-12-01T00:00:00Z')).toEqual(
      scalar(Date.UTC(2026, 11, 1) / 1000, '1'),
    );
    expect(await fixture.json('/api/v1/query?query=1')).toEqual(scalar(NOW / 1000, '1'));
  });

  it('reads a form, also beside parameters of the address', async () => {
    expect(await fixture.json('/api/v1/query?time=5', form({ query: '0x10' }))).toEqual(scalar(5, '16'));
  });
});

describe('refuses', () => {
  it.each([
    [
      '/api/v1/query',
      400,
      'bad_data',
      'invalid parameter "query": 1:1: unexpected end of the query, expected an expression',
    ],
    ['/api/v1/query?query=rate(up)', 400, 'bad_data', /1:6: rate\(\) needs a range vector/],
    ['/api/v1/query?query=1&time=soon', 400, 'bad_data', /invalid parameter "time": `soon`: write seconds/],
    ['/api/v1/query?query=1&time=2026-02-29T00:00:00Z', 400, 'bad_data', /invalid parameter "time"/],
    ['/api/v1/rules?type=alerts', 400, 'bad_data', /invalid parameter "type": `alerts`: write/],
    ['/api/v1/query?query=1&time=1e300', 400, 'bad_data', /invalid parameter "time"/],
    ['/api/v1/query?query=1&timeout=never', 400, 'bad_data', /invalid parameter "timeout"/],
    ['/api/v1/query?query=1&limit=-1', 400, 'bad_data', /invalid parameter "limit"/],
    ['/api/v1/query?query=1&lookback_delta=0', 400, 'bad_data', /invalid parameter "lookback_delta"/],
    ['/api/v1/query_range?query=1', 400, 'bad_data', /invalid parameter "start"/],
    [
      '/api/v1/query_range?query=1&start=2&end=1&step=1',
      400,
      'bad_data',
      /invalid parameter "end": it lies before/,
    ],
    ['/api/v1/query_range?query=1&start=1&end=2', 400, 'bad_data', /invalid parameter "step"/],
    ['/api/v1/query_range?query=1&start=1&end=2&step=0', 400, 'bad_data', /invalid parameter "step"/],
    [
      '/api/v1/query_range?query=1&start=0&end=11001&step=1',
      400,
      'bad_data',
      /11,000 points per timeseries: use a `step` of 2s or more/,
    ],
    [`/api/v1/series?${'match[]=up&'.repeat(101)}`, 400, 'bad_data', /101 of them; at most 100/],
    ['/api/v1/query?query=up&time=8640000000001', 400, 'bad_data', /invalid parameter "time"/],
    ['/api/v1/nothing', 404, 'not_found', /there is no GET \/api\/v1\/nothing/],
  ])('%s with %d', async (path, status, errorType, error) => {
    const answered = await fixture.json(path);
    const message = typeof error === 'string' ? error : expect.stringMatching(error);
    expect(answered).toEqual({ status, body: { status: 'error', errorType, error: message } });
  });

  it.each([
    'up @ 9007199254740 offset -292y',
    'up @ -9007199254740 offset 292y',
    'count_over_time(up[292y])',
    'up offset -292y',
    'ALERTS offset -292y',
    'bartizan_cert_expiry_seconds @ 9007199254740',
  ])('nothing where times are far away: %s', async (query) => {
    expect(await fixture.json(`/api/v1/query?query=${encodeURIComponent(query)}`)).toMatchObject({
      status: 200,
      body: { data: { result: [] } },
    });
  });

  it('what takes too long, although the store never waits', async () => {
    let reads = 0;
    store.query = async () => {
      reads++;
      for (const endMs = performance.now() + 2; performance.now() < endMs; );
      return [];
    };
    const query = encodeURIComponent('count_over_time({__name__=~".+"}[6d])');
    const { status, body } = await fixture.json(`/api/v1/query?query=${query}&timeout=1ms`);
    expect({ status, body }).toMatchObject({ status: 503, body: { errorType: 'timeout' } });
    expect(reads).toBeLessThan(10);
  });

  it('a form that is too large', async () => {
    const { status } = await fixture.json('/api/v1/query', form({ query: '1', filler: 'x'.repeat(200_000) }));
    expect(status).toBe(413);
  });

  it('another kind of body', async () => {
    const { status } = await fixture.json('/api/v1/query', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(400);
  });
});

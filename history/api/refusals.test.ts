import { afterEach, describe, expect, it } from 'vitest';
import { RetryableError } from '../../core/errors.ts';
import { START } from '../../test/stage-fixture.ts';
import { closeStores, DAY, openStore, setup } from './api.fixture.ts';

afterEach(closeStores);

describe('a request that makes no sense', () => {
  it.each<[string, number, RegExp]>([
    ['/v1/range', 400, /`metric` is missing/],
    ['/v1/range?metric=memusage', 400, /`memusage` is unknown/],
    ['/v1/range?metric=mem_usage&from=5&to=4', 400, /later than `to`/],
    [`/v1/range?metric=mem_usage&from=0&to=${10 * 365 * DAY}`, 400, /longer than 400 days/],
    ['/v1/range?metric=mem_usage&from=NaN', 400, /`from`.*whole number/],
    ['/v1/range?metric=mem_usage&from=1e9', 400, /`from`.*whole number/],
    ['/v1/range?metric=mem_usage&from=99999999999999999999', 400, /`from`/],
    ['/v1/range?metric=mem_usage&to=8640000000000001', 400, /`to`/],
    ['/v1/range?metric=mem_usage&from=1&from=2', 400, /`from`: it is given more than once/],
    ['/v1/range?metric=mem_usage&from=1&last=1h', 400, /exclude each other/],
    ['/v1/range?metric=mem_usage&last=yesterday', 400, /`yesterday` is no duration/],
    ['/v1/range?metric=mem_usage&last=36500d', 400, /longer than 400 days/],
    ['/v1/range?metric=mem_usage&bins=0', 400, /`bins`/],
    ['/v1/range?metric=mem_usage&bins=1000000', 400, /`bins`/],
    ['/v1/range?metric=mem_usage&where=node', 400, /is not `label=glob`/],
    ['/v1/range?metric=mem_usage&where=node%3Da%00b', 400, /control character/],
    [`/v1/range?metric=mem_usage&where=node=${'x'.repeat(600)}`, 400, /500 characters/],
    [`/v1/range?metric=mem_usage${'&where=a=b'.repeat(51)}`, 400, /50 times/],
    ['/v1/range?metric=mem_usage&step=5', 400, /`step` is unknown/],
    ['/v1/range?metric=mem_usage&__proto__=5', 400, /`__proto__` is unknown/],
    ['/v1/range?metric=mem_usage&source=raw', 400, /`source`/],
    ['/v1/nodes?cursor=abc', 400, /`cursor` is none of ours/],
    ['/v1/nodes?cursor=WzEsMl0', 400, /`cursor` is none of ours/],
    ['/v1/nodes?limit=0', 400, /`limit`/],
    ['/v1/nodes?limit=', 400, /`limit`/],
    ['/v1/alerts?status=ok', 400, /`status`/],
    ['/v1/alerts/%00', 400, /control character/],
    ['/v1/pictures', 404, /nothing draws/],
    ['/v1/nothing', 404, /no such path/],
  ])('%s → %i', async (path, status, message) => {
    const { json } = setup();
    const answer = await json(path);
    expect(answer.body).toMatchObject({ error: { message: expect.stringMatching(message) } });
    expect(answer.status).toBe(status);
  });

  it('of ten thousand series is refused before they are in memory', async () => {
    const labels = (i: number) => ({ cluster: 'prod', node: `n${i}`, role: 'etcd' });
    const store = openStore();
    await store.write(
      Array.from({ length: 10_000 }, (_, i) => ({
        metric: 'mem_usage',
        labels: labels(i),
        timeMs: START,
        value: 1,
      })),
    );
    const { json } = setup({ store });
    const answer = await json(`/v1/range?metric=mem_usage&from=${START}&to=${START + DAY}&bins=100`);
    expect(answer).toMatchObject({
      status: 413,
      body: { error: { hint: expect.stringContaining('narrow') } },
    });
  });

  it('by another method names those there are', async () => {
    const { app } = setup();
    const answer = await app.request('/v1/range', { method: 'PUT' }, {});
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('of a store that does not answer is a 503 that shows no detail', async () => {
    const broken = async () => {
      throw new RetryableError('connect ECONNREFUSED 192.0.2.9:9090');
    };
    const { json } = setup({ store: { query: broken, latest: broken, rollUps: broken } });
    const answer = await json('/v1/latest?metric=mem_usage');
    expect(answer.status).toBe(503);
    expect(JSON.stringify(answer.body)).not.toContain('192.0.2.9');
  });
});

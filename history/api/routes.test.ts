import { afterEach, describe, expect, it } from 'vitest';
import type { SeriesQuery } from '../../core/ports.ts';
import { fire, MINUTE, START } from '../../test/stage-fixture.ts';
import { closeStores, DAY, openStore, samplesOf, setup } from './api.fixture.ts';

afterEach(closeStores);

describe('the inventory', () => {
  it('has clusters, and nodes with labels and the state of their checks, in natural order', async () => {
    const { json, stage } = setup();
    await stage.state.putTargetStatus(
      [
        { cluster: 'prod', node: 'n1', check: 'usage', roundMs: START, ok: true },
        {
          cluster: 'prod',
          node: 'n2',
          check: 'usage',
          roundMs: START,
          ok: false,
          reason: 'timeout',
          detail: 'silent',
        },
      ],
      { bastion: 'seoul', batch: 0 } as never,
    );
    expect((await json('/v1/clusters')).body).toEqual({
      clusters: [{ cluster: 'prod', nodes: 3, byRole: { etcd: 3 }, bastions: ['seoul'] }],
    });
    const { body } = await json('/v1/nodes');
    expect(body).toMatchObject({
      nodes: [
        { node: 'n1', state: 'ok', labels: { tenant: 'blue' } },
        {
          node: 'n2',
          state: 'failing',
          checks: [{ check: 'usage', ok: false, reason: 'timeout', detail: 'silent' }],
        },
        { node: 'n10', state: 'unknown', checks: [] },
      ],
    });
    expect((await json('/v1/nodes?where=tenant=green&where=node=n1*')).body).toMatchObject({
      nodes: [{ node: 'n10' }],
    });
  });

  it('comes in pages', async () => {
    const { json } = setup();
    const found: string[] = [];
    let path: string | undefined = '/v1/nodes?limit=1';
    while (path !== undefined) {
      const body = (await json(path)).body as { nodes: { node: string }[]; next?: string };
      found.push(...body.nodes.map(({ node }) => node));
      path = body.next === undefined ? undefined : `/v1/nodes?limit=1&cursor=${body.next}`;
    }
    expect(found).toEqual(['n1', 'n2', 'n10']);
  });
});

describe('samples', () => {
  it('come in columns over one list of times, with null where a series has none', async () => {
    const store = openStore();
    await store.write([...samplesOf('n1', [50, 51, 52]), ...samplesOf('n2', [60], START + MINUTE)]);
    const { json } = setup({ store });
    const { body } = await json(`/v1/range?metric=mem_usage&from=${START}&to=${START + 5 * MINUTE}`);
    expect(body).toMatchObject({
      source: 'samples',
      times: [START, START + MINUTE, START + 2 * MINUTE],
      series: [
        { metric: 'mem_usage', unit: 'percent', labels: { node: 'n1' }, values: [50, 51, 52] },
        { labels: { node: 'n2' }, values: [null, 60, null] },
      ],
    });
  });

  it('come in bins with least, mean and greatest, an empty one as null', async () => {
    const store = openStore();
    await store.write(samplesOf('n1', [10, 20, 90, 50]));
    const { json } = setup({ store });
    const { body } = await json(
      `/v1/range?metric=mem_usage&from=${START}&to=${START + 6 * MINUTE - 1}&bins=3`,
    );
    expect(body).toMatchObject({
      binMs: 2 * MINUTE,
      times: [START, START + 2 * MINUTE, START + 4 * MINUTE],
      series: [{ min: [10, 50, null], avg: [15, 70, null], max: [20, 90, null] }],
    });
  });

  it('of a long range come from roll-ups, which the answer says, without a least value that nobody knows', async () => {
    const store = openStore();
    await store.write(
      samplesOf(
        'n1',
        Array.from({ length: 72 }, (_, i) => (i === 30 ? 99 : 40)),
        START,
        60 * MINUTE,
      ),
    );
    await store.rollUp(START + 3 * DAY);
    const { json } = setup({ store });
    const { body } = await json(`/v1/range?metric=mem_usage&from=${START}&to=${START + 3 * DAY - 1}&bins=3`);
    expect(body).toMatchObject({ source: 'roll-ups', series: [{ max: [40, 99, 40] }] });
    expect((body as { series: object[] }).series[0]).not.toHaveProperty('min');
  });

  it('of bins of hours come from whole hours between five minutes at both ends, each of its weight', async () => {
    const store = openStore();
    const hour = 60 * MINUTE;
    const first = Math.ceil(START / hour) * hour - 5 * MINUTE;
    const values = Array.from({ length: 3 * 24 * 12 }, (_, i) => (i * 37) % 101);
    await store.write(samplesOf('n1', values, first, 5 * MINUTE));
    await store.rollUp(first + 3 * DAY);
    const path = `/v1/range?metric=mem_usage&from=${first}&to=${first + 3 * DAY - 1}&bins=1`;
    const { hourlyRollUps, ...only } = store;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    for (const one of [store, only]) {
      const { body } = await setup({ store: one }).json(path);
      const { avg, max } = (body as { series: { avg: number[]; max: number[] }[] }).series[0] ?? {};
      expect(max).toEqual([100]);
      expect(avg?.[0]).toBeCloseTo(mean, 9);
    }
    let [periods, hours] = [0, 0];
    const counted = {
      ...store,
      rollUps: (query: SeriesQuery) => {
        periods += query.toMs + 1 - query.fromMs;
        return store.rollUps(query);
      },
      hourlyRollUps: async (query: SeriesQuery) => {
        hours += query.toMs + 1 - query.fromMs;
        return (await hourlyRollUps?.(query)) ?? [];
      },
    };
    const { json } = setup({ store: counted });
    await json(path);
    expect([periods, hours]).toEqual([hour, 3 * DAY - hour]);
    await json(path.replace('bins=1', 'bins=37'));
    expect([periods, hours]).toEqual([hour + 3 * DAY, 3 * DAY - hour]);
  });

  it('are read from samples where that is asked for, in slices with the same sum', async () => {
    const store = openStore();
    await store.write(
      samplesOf(
        'n1',
        Array.from({ length: 3 * 24 * 60 }, (_, i) => i % 60),
        START,
      ),
    );
    const { json } = setup({ store });
    const path = `/v1/range?metric=mem_usage&from=${START}&to=${START + 3 * DAY - 1}&bins=72&source=samples`;
    const { body } = await json(path);
    const hours = <T>(value: T) => Array.from({ length: 72 }, () => value);
    expect(body).toMatchObject({ series: [{ min: hours(0), avg: hours(29.5), max: hours(59) }] });
  });

  it('that are newest have their age, and whether they are current', async () => {
    const store = openStore();
    await store.write([...samplesOf('n1', [50]), ...samplesOf('n2', [60], START - 60 * MINUTE)]);
    const { json, stage } = setup({ store });
    await stage.goTo(2);
    expect((await json('/v1/latest?metric=mem_usage')).body).toMatchObject({
      values: [
        { labels: { node: 'n1' }, value: 50, ageMs: 2 * MINUTE, isCurrent: true },
        { labels: { node: 'n2' }, value: 60, ageMs: 62 * MINUTE, isCurrent: false },
      ],
    });
    expect((await json('/v1/series?metric=mem_usage&where=node=n2')).body).toEqual({
      series: [
        { metric: 'mem_usage', unit: 'percent', labels: { cluster: 'prod', node: 'n2', role: 'etcd' } },
      ],
    });
  });
});

describe('what else there is', () => {
  it('rules and checks, without options', async () => {
    const { json } = setup();
    const { body } = await json('/v1/rules');
    expect(body).toMatchObject({
      rules: [{ name: 'memory', conditionText: '> 90%', unit: 'percent' }],
      checks: [{ name: 'usage', everyMs: MINUTE }],
    });
    expect(JSON.stringify(body)).not.toContain('options');
  });

  it('status with version, scope and health', async () => {
    const { json, health } = setup();
    Object.assign(health, { reasons: [{ code: 'undelivered', words: '1 alert reached nobody' }] });
    expect((await json('/v1/status')).body).toMatchObject({
      timeZone: 'UTC',
      you: { name: 'token test', scope: 'admin' },
      health: {
        state: 'failing',
        reasons: [{ code: 'undelivered', text: '1 alert reached nobody' }],
        warnings: [],
      },
    });
  });

  it('lines of the audit, filtered by the port', async () => {
    let asked: unknown;
    const record = {
      line: '{}',
      fields: { sequence: 1, actor: 'cli:ann' },
      sequence: 1,
      atMs: START,
      endMs: START,
    };
    const { json } = setup({
      ports: {
        async findAuditLines(filter, limit) {
          asked = { ...filter, limit };
          return { records: [record], unreadable: 0, isCut: true };
        },
      },
    });
    const answer = await json(`/v1/audit?actor=cli:*&outcome=!ok&limit=5&to=${START}`);
    expect(answer).toEqual({ status: 200, body: { lines: [record.fields], isCut: true, unreadable: 0 } });
    expect(asked).toEqual({ since: 0, until: START, actor: ['cli:*'], outcome: ['!ok'], limit: 5 });
  });

  it('a picture of a metric or of an alert', async () => {
    const drawn: string[] = [];
    const { app, stage } = setup({
      ports: {
        async draw({ subtitle }) {
          drawn.push(subtitle);
          return { png: new Uint8Array([137, 80]), width: 1, height: 1, alt: '' };
        },
      },
    });
    await fire(stage);
    const [alert] = (await stage.state.listAlerts()).map(({ value }) => value);
    for (const query of ['metric=mem_usage', `alert=${alert?.id}`]) {
      const answer = await app.request(
        `/v1/pictures?${query}&from=${START}&to=${START + 60 * MINUTE}`,
        undefined,
        {},
      );
      expect(answer.headers.get('content-type')).toBe('image/png');
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array([137, 80]));
    }
    expect(drawn).toEqual([expect.stringContaining('mem_usage'), expect.stringContaining('mem_usage')]);
  });

  it('a page without scripts whose style its policy allows', async () => {
    const { get } = setup();
    const page = await get('/docs');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const html = await page.text();
    expect(html).not.toMatch(/<script|onload=|style=/);
    expect(html).toContain('<code><span class="method">GET</span>/v1/alerts/{id}</code>');
  });
});

import { describe, expect, it } from 'vitest';
import { clear, fire, MINUTE, START } from '../../test/stage-fixture.ts';
import { setup } from './api.fixture.ts';

describe('alerts', () => {
  it('have their rule, gaps, routes and what each channel was sent', async () => {
    const { json, stage } = setup();
    await fire(stage);
    stage.put(9, { n1: 95 });
    await stage.notify();
    await stage.goTo(9);
    const { body } = await json('/v1/alerts?status=firing&rule=memory&where=node=n1');
    const { alerts } = body as { alerts: { id: string }[] };
    expect(alerts).toMatchObject([
      {
        rule: 'memory',
        status: 'firing',
        value: 95,
        recipients: [{ channel: 'ops', reason: 'sent' }],
        sent: [{ channel: 'ops' }],
      },
    ]);
    expect((await json(`/v1/alerts/${alerts[0]?.id}`)).body).toMatchObject({
      ofRule: { severity: 'warning', condition: '> 90%', unit: 'percent', forMs: 2 * MINUTE },
      gaps: [{ fromMs: START + 2 * MINUTE, toMs: START + 9 * MINUTE }],
      routes: [{ route: 'default', outcome: 'taken' }],
    });
    expect((await json('/v1/alerts?where=node=n2')).body).toMatchObject({ alerts: [] });
    expect((await json('/v1/alerts/memory-0')).status).toBe(404);
  });

  it('leave firings, transitions, annotations, incidents with a timeline, and deliveries', async () => {
    const { json, stage } = setup();
    await fire(stage);
    await stage.notify();
    await clear(stage, 10);
    await stage.notify();
    const range = `from=${START}&to=${START + 60 * MINUTE}`;
    expect((await json(`/v1/firings?${range}`)).body).toMatchObject({
      alerts: [{ status: 'ok', firedAtMs: START + 2 * MINUTE, resolvedAtMs: START + 10 * MINUTE }],
    });
    const kinds = ['firing', 'resolved'];
    expect((await json(`/v1/transitions?${range}`)).body).toMatchObject({
      transitions: kinds.map((kind) => ({ kind })),
    });
    const annotations = await json(`/v1/transitions?${range}&format=annotations`);
    expect(annotations.body).toMatchObject(
      kinds.map((kind) => ({
        title: `memory ${kind}`,
        tags: [kind, 'memory', 'cluster=prod', 'node=n1', 'role=etcd'],
      })),
    );
    const { incidents } = (await json('/v1/incidents?state=closed')).body as { incidents: { id: string }[] };
    expect(incidents).toHaveLength(1);
    const { body } = await json(`/v1/incidents/${incidents[0]?.id}`);
    const timeline = (body as { timeline: { what: string }[] }).timeline.map(({ what }) => what);
    expect(timeline).toEqual(expect.arrayContaining(['opened', 'firing', 'message', 'resolved', 'closed']));
    expect((await json('/v1/deliveries?outcome=delivered')).body).toMatchObject({
      deliveries: [{ reason: 'all-resolved', detail: 'accepted' }, { reason: 'first' }],
    });
    expect((await json('/v1/incidents/inc-0')).status).toBe(404);
  });

  it('would have been the same by a backtest, which says to whom', async () => {
    const { json, stage } = setup();
    await fire(stage);
    await clear(stage, 10);
    const range = `from=${START}&to=${START + 10 * MINUTE}`;
    expect((await json(`/v1/backtests?rule=mem*&${range}`)).body).toMatchObject({
      rules: [{ rule: 'memory', episodes: 1 }],
      episodes: [{ firedAtMs: START + 2 * MINUTE, resolvedAtMs: START + 10 * MINUTE, channels: ['ops'] }],
    });
    expect(await json(`/v1/backtests?rule=memroy&${range}`)).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('did you mean `memory`') } },
    });
    expect((await json(`/v1/backtests?from=0&to=${32 * 1440 * MINUTE}`)).status).toBe(400);
  });

  it('page through transitions of one moment without losing or repeating one', async () => {
    const { json, stage } = setup();
    for (const minute of [0, 1, 2]) stage.put(minute, { n1: 95, n2: 95 });
    await stage.goTo(2);
    await stage.evaluate(2);
    const ids: string[] = [];
    const path = `/v1/transitions?from=${START}&to=${START + 60 * MINUTE}&limit=1`;
    for (let next: string | undefined = ''; next !== undefined; ) {
      const { body } = await json(next === '' ? path : `${path}&cursor=${next}`);
      const page = body as { transitions: { id: string }[]; next?: string };
      ids.push(...page.transitions.map(({ id }) => id));
      next = page.next;
    }
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
  });
});

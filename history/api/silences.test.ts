import { describe, expect, it } from 'vitest';
import { fire, MINUTE, START } from '../../test/stage-fixture.ts';
import { DAY, setup } from './api.fixture.ts';

describe('silences', () => {
  const post = (body: unknown) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const matchers = [{ name: 'node', op: '=', value: 'n1' }];

  it('are added, listed and ended, each with a line in the audit', async () => {
    const { json, stage, actions } = setup();
    await fire(stage);
    const untilMs = START + 60 * MINUTE;
    const added = await json('/v1/silences', post({ matchers, untilMs, comment: 'disk swap' }));
    expect(added).toMatchObject({
      status: 201,
      body: { silence: { author: 'token test', untilMs }, covers: [expect.stringMatching(/^memory/)] },
    });
    const { id } = (added.body as { silence: { id: string } }).silence;
    expect((await json('/v1/silences')).body).toMatchObject({
      silences: [{ id, state: 'active', source: 'state' }],
    });
    expect(await json(`/v1/silences/${id}`, { method: 'DELETE' })).toMatchObject({
      status: 200,
      body: { id },
    });
    expect((await json('/v1/silences')).body).toEqual({ silences: [] });
    expect((await json('/v1/silences?expired=true')).body).toMatchObject({
      silences: [{ id, state: 'expired' }],
    });
    expect(actions.map(({ action, actor, outcome }) => [action, actor, outcome])).toEqual([
      ['silence-added', 'api:token test', 'ok'],
      ['silence-ended', 'api:token test', 'ok'],
    ]);
  });

  it('acknowledge one alert until it resolves', async () => {
    const { json, stage } = setup();
    await fire(stage);
    const [alert] = (await stage.state.listAlerts()).map(({ value }) => value);
    const added = await json('/v1/silences', post({ alertId: alert?.id, comment: 'on it', author: 'ann' }));
    expect(added).toMatchObject({
      status: 201,
      body: { silence: { alertId: alert?.id, author: 'ann (token test)' }, covers: [alert?.id] },
    });
    expect((await json('/v1/silences', post({ alertId: 'memory-0', comment: 'x' }))).status).toBe(404);
  });

  it.each<[string, unknown, number, RegExp]>([
    ['of nothing', { untilMs: START + DAY, comment: '' }, 400, /either `matchers` or an `alertId`/],
    [
      'of everything',
      { matchers: [{ name: 'node', op: '=~', value: '.*' }], untilMs: START + DAY, comment: '' },
      400,
      /covers everything/,
    ],
    ['without an end', { matchers, comment: '' }, 400, /`untilMs` is missing/],
    ['in the past', { matchers, untilMs: START - 60 * MINUTE, comment: '' }, 400, /earlier than|in the past/],
    [
      'with a bad expression',
      { matchers: [{ name: 'node', op: '=~', value: '(' }], untilMs: START + DAY, comment: '' },
      400,
      /regular expression/,
    ],
    [
      'with an unknown field',
      { matchers, untilMs: START + DAY, comment: '', until: 1 },
      400,
      /`until` is unknown/,
    ],
    ['of no JSON', '{', 400, /JSON/],
    ['of a number', '5', 400, /expected object/],
  ])('%s are refused with a sentence', async (_, body, status, message) => {
    const { json } = setup();
    const answer = await json('/v1/silences', post(body));
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { message: expect.stringMatching(message) } });
  });

  it('need the scope silence, and the audit admin', async () => {
    const { json } = setup({ scope: 'read' });
    const refused = {
      status: 403,
      body: { error: { code: 'forbidden', hint: expect.stringContaining('scope silence') } },
    };
    expect(await json('/v1/silences', post({ matchers, untilMs: START + DAY, comment: '' }))).toMatchObject(
      refused,
    );
    expect((await json('/v1/silences/s1', { method: 'DELETE' })).status).toBe(403);
    expect((await json('/v1/audit')).status).toBe(403);
  });
});

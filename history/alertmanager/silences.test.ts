import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Config } from '../../core/model/config.ts';
import {
  createAlertmanagerFixture,
  MINUTE,
  NOW,
  namesOf,
  post,
  posted,
  shownSilence,
  silence,
} from './alertmanager.fixture.ts';

let fixture: Awaited<ReturnType<typeof createAlertmanagerFixture>>;

beforeEach(async () => {
  fixture = await createAlertmanagerFixture();
});

describe('silences', () => {
  const list = (query = '', extra?: Partial<Config>) =>
    fixture.read(z.array(shownSilence), `/silences${query}`, extra);
  it('that are added withhold messages, are listed, and end', async () => {
    const service = fixture.open();
    const { status, body } = await service.json('/api/v2/silences', post(posted));
    expect(status).toBe(200);
    const { silenceID: id } = z.strictObject({ silenceID: z.uuid() }).parse(body);
    expect(await fixture.state.listSilences({ endedAfterMs: 0 })).toMatchObject([
      {
        id,
        matchers: [
          { name: 'rule', op: '=', value: 'memory' },
          { name: 'node', op: '=~', value: 'a|b' },
          { name: 'cluster', op: '!=', value: 'dev' },
        ],
        author: 'ada (token test)',
      },
    ]);
    fixture.clock.ms += 1_000;
    const shown = {
      id,
      status: { state: 'active' },
      updatedAt: '2026-12-01T12:00:00.000Z',
      startsAt: '2026-12-01T12:00:00.123Z',
      endsAt: '2026-12-01T14:00:00.000Z',
      createdBy: 'ada (token test)',
      comment: 'disk swap',
      matchers: posted.matchers.map((matcher) => ({ isEqual: true, ...matcher })),
    };
    expect(await list()).toEqual([shown]);
    expect(await fixture.read(shownSilence, `/silence/${id}`)).toEqual(shown);
    const suppressed = (await fixture.alerts()).filter(({ status: { silencedBy } }) =>
      silencedBy.includes(id),
    );
    expect(namesOf(suppressed)).toEqual(['memory a', 'memory b']);

    const changed = await service.json('/api/v2/silences', post({ ...shown, comment: 'two disks' }));
    expect(changed).toEqual({ status: 200, body: { silenceID: id } });
    const ended = await service.app.request(`/api/v2/silence/${id}`, { method: 'DELETE' }, {});
    expect([ended.status, await ended.text()]).toEqual([200, '']);
    expect(await list()).toMatchObject([
      { id, status: { state: 'expired' }, comment: 'two disks', endsAt: '2026-12-01T12:00:01.000Z' },
    ]);
    expect(service.actions.map(({ action, actor }) => [action, actor])).toEqual([
      ['silence-added', 'api:token test'],
      ['silence-changed', 'api:token test'],
      ['silence-ended', 'api:token test'],
    ]);
  });

  it('of the configuration are listed, and cannot be changed', async () => {
    const silences = [
      { match: { rule: ['mem*'], node: ['a'] }, fromMs: 0, untilMs: NOW + MINUTE, comment: 'move' },
    ] as Config['silences'];
    const [found] = await list('', { silences });
    expect(found).toMatchObject({
      id: 'file:1',
      status: { state: 'active' },
      createdBy: 'configuration',
      matchers: [
        { name: 'alertname', isRegex: true },
        { name: 'node', value: 'a' },
      ],
    });
    expect(await fixture.read(shownSilence, '/silence/file:1', { silences })).toEqual(found);
    const service = fixture.open({ silences });
    const refused = [400, expect.stringContaining('a silence of the configuration')];
    for (const [path, init] of [
      ['/api/v2/silence/file:1', { method: 'DELETE' }],
      ['/api/v2/silences', post({ ...found })],
    ] as const) {
      const { status, body } = await service.json(path, init);
      expect([status, body]).toEqual(refused);
    }
  });

  it('come in the order of Alertmanager', async () => {
    const at = (from: number, until: number) => ({
      fromMs: NOW + from * MINUTE,
      untilMs: NOW + until * MINUTE,
    });
    for (const [id, times] of [
      ['late', at(-9, 20)],
      ['soon', at(-5, 10)],
      ['next', at(5, 90)],
      ['then', at(6, 7)],
      ['ended', at(-20, -10)],
      ['ended-before', at(-99, -11)],
      ['forgotten', at(-99, -5 * 24 * 60)],
    ] as const)
      await fixture.state.putSilence(silence(id, times));
    expect((await list()).map(({ id }) => id)).toEqual([
      'soon',
      'late',
      'next',
      'then',
      'ended',
      'ended-before',
    ]);
  });

  it('are filtered by the matchers that they have, and by who added them', async () => {
    await fixture.state.putSilence(silence('s1'));
    await fixture.state.putSilence(
      silence('s2', { matchers: [{ name: 'rule', op: '=~', value: 'a.*' }], author: 'bob' }),
    );
    const ids = async (query: string) => (await list(`?${query}`)).map(({ id }) => id);
    expect(await ids('filter=node=a')).toEqual(['s1']);
    expect(await ids('filter=node=~a')).toEqual([]);
    expect(await ids('filter=alertname=~a.*')).toEqual(['s2']);
    expect(await ids('creator=bob')).toEqual(['s2']);
  });

  it('that do not exist are not found', async () => {
    const service = fixture.open();
    const id = '1f0c2a7b-0000-4000-8000-000000000000';
    const answers = [
      await service.json(`/api/v2/silence/${id}`),
      await service.json(`/api/v2/silence/${id}`, { method: 'DELETE' }),
      await service.json('/api/v2/silences', post({ ...posted, id })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('need the scope', async () => {
    await fixture.state.putSilence(silence('s1'));
    const service = fixture.open({}, 'read');
    const added = await service.json('/api/v2/silences', post(posted));
    const ended = await service.json('/api/v2/silence/s1', { method: 'DELETE' });
    expect([added.status, ended.status]).toEqual([403, 403]);
    expect(added.body).toMatch(/may read only/);
  });
});

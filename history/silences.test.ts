import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditAction } from '../core/model/audit.ts';
import type { Config } from '../core/model/config.ts';
import type { Matcher, StoredSilence } from '../core/model/silence.ts';
import type { StateStore } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import type { Principal } from './principal.ts';
import { addSilence, changeSilence, endSilence, type SilenceRequest } from './silences.ts';

const NOW = Date.UTC(2026, 11, 1, 12);
const HOUR = 3_600_000;
const node1: Matcher = { name: 'node', op: '=', value: 'prod-1' };

let state: StateStore;
let actions: AuditAction[];
let nowMs: number;
let principal: Principal;

beforeEach(() => {
  state = createMemoryState();
  actions = [];
  nowMs = NOW;
  principal = { name: 'token karma', scope: 'silence' };
});

const asker = () => ({
  principal,
  ports: {
    state,
    clock: { nowMs: () => nowMs },
    config: async () => ({ schedule: { timeZone: 'UTC' } }) as Config,
    async recordAction(action: AuditAction) {
      actions.push(action);
    },
  },
});

const request = (extra: Partial<SilenceRequest> = {}): SilenceRequest => ({
  matchers: [node1],
  fromMs: NOW,
  untilMs: NOW + HOUR,
  createdBy: 'ada',
  comment: 'disk swap',
  ...extra,
});

const stored = () => state.listSilences({ endedAfterMs: 0 });

it('adds one that names its author and who asked, and leaves a line in the audit', async () => {
  const silence = await addSilence(asker(), request());
  expect(await stored()).toEqual([silence]);
  expect(silence).toMatchObject({
    matchers: [node1],
    fromMs: NOW,
    untilMs: NOW + HOUR,
    createdAtMs: NOW,
    author: 'ada (token karma)',
    comment: 'disk swap',
  });
  expect(actions).toEqual([
    {
      action: 'silence-added',
      actor: 'api:token karma',
      atMs: NOW,
      subject: silence.id,
      detail: 'node="prod-1" until 13:00 (1h), by ada (token karma): disk swap',
      outcome: 'ok',
    },
  ]);
});

it.each([
  ['', 'token karma'],
  ['token karma', 'token karma'],
  ['ada (token karma)', 'ada (token karma)'],
  [' ada ', 'ada (token karma)'],
])('the author of a silence by %j is %s', async (createdBy, author) => {
  expect(await addSilence(asker(), request({ createdBy }))).toMatchObject({ author });
});

it('begins now at the earliest', async () => {
  expect(await addSilence(asker(), request({ fromMs: 0 }))).toMatchObject({ fromMs: NOW });
});

const expression = (value: string) => request({ matchers: [node1, { name: 'node', op: '=~', value }] });

it.each<[SilenceRequest, RegExp]>([
  [request({ fromMs: NOW + HOUR }), /ends before it begins/],
  [request({ fromMs: 0, untilMs: NOW }), /end in the past/],
  [request({ createdBy: 'a'.repeat(101) }), /createdBy has 100 characters/],
  [request({ createdBy: 'ada\u001b[31m' }), /createdBy contains a control character/],
  [request({ comment: 'a\u0000b' }), /comment contains a control character/],
  [request({ comment: '\ud800' }), /comment contains a control character/],
  [request({ comment: 'a'.repeat(2_001) }), /comment has 2000 characters/],
  [request({ matchers: [] }), /no matcher/],
  [request({ matchers: Array.from({ length: 101 }, () => node1) }), /100 matchers at most/],
  [request({ matchers: [{ ...node1, name: 'no-name' }] }), /'no-name' is not a label name/],
  [request({ matchers: [{ ...node1, value: 'a\nb' }] }), /value of node contains a control/],
  [expression('('), /not a regular expression/],
  [expression('(?=a)'), /not a regular expression/],
  [expression('a'.repeat(10_001)), /too large/],
  [expression(Array.from({ length: 50 }, () => '(ab){400}').join('|')), /too large/],
  [request({ matchers: [{ name: 'node', op: '=~', value: '.*' }] }), /covers everything/],
  [request({ matchers: [{ name: 'zone', op: '=', value: '' }] }), /covers everything/],
])('refuses %j: %s', async (wrong, why) => {
  await expect(addSilence(asker(), wrong)).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(why),
  });
  expect([await stored(), actions]).toEqual([[], []]);
});

it('takes what is not equal, and several lines of comment', async () => {
  const matchers: Matcher[] = [{ name: 'severity', op: '!=', value: 'critical' }];
  await addSilence(asker(), request({ matchers, comment: 'a\r\n\tb' }));
  expect(await stored()).toMatchObject([{ matchers, comment: 'a\r\n\tb' }]);
});

it('needs the scope', async () => {
  const { id } = await addSilence(asker(), request());
  principal = { name: 'token grafana', scope: 'read' };
  const refused = { name: 'ForbiddenError', message: expect.stringContaining('token grafana may read only') };
  await expect(addSilence(asker(), request())).rejects.toMatchObject(refused);
  await expect(changeSilence(asker(), id, request())).rejects.toMatchObject(refused);
  await expect(endSilence(asker(), id)).rejects.toMatchObject(refused);
  expect([(await stored()).length, actions.length]).toEqual([1, 1]);
});

it('a failure of state leaves a line, too', async () => {
  state.putSilence = async () => {
    throw new Error('disk full');
  };
  await expect(addSilence(asker(), request())).rejects.toThrow('disk full');
  expect(actions).toMatchObject([{ action: 'silence-added', detail: 'disk full', outcome: 'failed' }]);
});

it('takes 2,000 at once', async () => {
  const one = await addSilence(asker(), request());
  for (let i = 1; i < 2_000; i++) await state.putSilence({ ...one, id: `s${i}` });
  await expect(addSilence(asker(), request())).rejects.toThrow('there are 2000 silences');
  nowMs = NOW + HOUR;
  await addSilence(asker(), request({ untilMs: nowMs + HOUR }));
});

describe('a change', () => {
  const kinds = () => actions.map(({ action }) => action).slice(1);

  it.each<[string, Partial<SilenceRequest>]>([
    ['the end', { untilMs: NOW + 2 * HOUR }],
    ['the end, to a little later', { untilMs: NOW + 61_000 }],
    ['the comment', { comment: 'two disks' }],
  ])('of %s keeps the silence', async (_, change) => {
    const former = await addSilence(asker(), request());
    nowMs = NOW + 60_000;
    const changed = await changeSilence(asker(), former.id, request({ createdBy: former.author, ...change }));
    expect(changed).toEqual({ ...former, ...change });
    expect(await stored()).toEqual([changed]);
    expect(kinds()).toEqual(['silence-changed']);
  });

  it.each<[string, Partial<SilenceRequest>]>([
    ['the matchers', { matchers: [{ ...node1, value: 'prod-2' }] }],
    ['the beginning', { fromMs: NOW + 2_000 }],
  ])('of %s ends the silence and begins another', async (_, change) => {
    const former = await addSilence(asker(), request());
    nowMs = NOW + 60_000;
    const changed = await changeSilence(asker(), former.id, request(change));
    expect(changed).toMatchObject({ fromMs: nowMs, untilMs: NOW + HOUR });
    expect(changed.id).not.toBe(former.id);
    const ends = Object.fromEntries((await stored()).map(({ id, untilMs }) => [id, untilMs]));
    expect(ends).toEqual({ [former.id]: nowMs, [changed.id]: NOW + HOUR });
    expect(kinds()).toEqual(['silence-added', 'silence-ended']);
  });

  it('of one that has ended begins another', async () => {
    const former = await addSilence(asker(), request());
    nowMs = NOW + HOUR;
    await changeSilence(asker(), former.id, request({ untilMs: nowMs + HOUR }));
    expect((await stored()).map(({ untilMs }) => untilMs)).toEqual([NOW + HOUR, NOW + 2 * HOUR]);
    expect(kinds()).toEqual(['silence-added']);
  });

  it('of one that has not begun may move its beginning', async () => {
    const former = await addSilence(asker(), request({ fromMs: NOW + 60_000 }));
    const changed = await changeSilence(asker(), former.id, request({ fromMs: NOW + 120_000 }));
    expect(changed).toMatchObject({ id: former.id, fromMs: NOW + 120_000 });
  });

  it('of an acknowledgement keeps it one', async () => {
    const acknowledgement: StoredSilence = {
      id: 'ack',
      matchers: [node1],
      alertId: 'memory-1',
      breachSinceMs: NOW + 5,
      fromMs: NOW - HOUR,
      untilMs: NOW + 365 * 24 * HOUR,
      createdAtMs: NOW - HOUR,
      author: 'ann',
      comment: 'on it',
    };
    await state.putSilence(acknowledgement);
    await changeSilence(asker(), 'ack', request({ fromMs: NOW - HOUR }));
    expect(await stored()).toMatchObject([
      {
        id: 'ack',
        alertId: 'memory-1',
        breachSinceMs: NOW + 5,
        createdAtMs: NOW - HOUR,
        untilMs: NOW + HOUR,
      },
    ]);
  });

  it('of what does not exist is refused', async () => {
    await expect(changeSilence(asker(), 'x', request())).rejects.toMatchObject({ kind: 'unknown' });
    await expect(changeSilence(asker(), 'file:1', request())).rejects.toThrow(/of the configuration/);
  });
});

it('ends one, and leaves alone one that has ended', async () => {
  const { id } = await addSilence(asker(), request());
  nowMs += 1_000;
  await endSilence(asker(), id);
  expect(await stored()).toMatchObject([{ id, untilMs: nowMs }]);
  nowMs += 1_000;
  await endSilence(asker(), id);
  expect(await stored()).toMatchObject([{ id, untilMs: nowMs - 1_000 }]);
  expect(actions.map(({ action, subject }) => [action, subject])).toEqual([
    ['silence-added', id],
    ['silence-ended', id],
  ]);
  await expect(endSilence(asker(), 'x')).rejects.toMatchObject({ kind: 'unknown' });
});

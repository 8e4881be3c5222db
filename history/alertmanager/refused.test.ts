// What clients get wrong, by mistake or on purpose.
import { beforeEach, describe, expect, it } from 'vitest';
import { createAlertmanagerFixture, post, posted } from './alertmanager.fixture.ts';

let fixture: Awaited<ReturnType<typeof createAlertmanagerFixture>>;

beforeEach(async () => {
  fixture = await createAlertmanagerFixture();
});

describe('posted silences', () => {
  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{"matchers": [', /the body is not JSON/],
    ['nothing', '', /the body is not JSON/],
    ['null', 'null', /expected object/],
    ['no matchers', { ...posted, matchers: undefined }, /^matchers: /],
    ['none', { ...posted, matchers: [] }, /no matcher/],
    ['a matcher of nothing', { ...posted, matchers: [null] }, /^matchers.0: /],
    ['a text for a flag', { ...posted, matchers: [{ name: 'a', value: 'b', isRegex: 'no' }] }, /isRegex/],
    ['no time', { ...posted, endsAt: 'tomorrow' }, /^endsAt: write a time such as/],
    ['no day', { ...posted, endsAt: '2026-13-40T00:00:00Z' }, /^endsAt: write a time such as/],
    ['the past', { ...posted, startsAt: '2001-01-01T00:00:00Z', endsAt: '2001-01-02T00:00:00Z' }, /the past/],
    [
      'a bad expression',
      { ...posted, matchers: [{ name: 'a', value: '(', isRegex: true }] },
      /not a regular/,
    ],
    ['a control character', { ...posted, comment: 'a\u0000' }, /control character/],
    ['half a letter', { ...posted, comment: '\udc00' }, /control character/],
    ['a long body', `"${'a'.repeat(300_000)}"`, /the body has 262144/],
    ['a deep body', '['.repeat(100_000), /the body is not JSON/],
    ['another prototype', '{"__proto__": {"matchers": []}}', /^matchers: /],
  ])('are refused: %s', async (_, body, why) => {
    const answer = await fixture.open().json('/api/v2/silences', post(body));
    expect([answer.status, answer.body]).toEqual([400, expect.stringMatching(why)]);
    expect(await fixture.state.listSilences({ endedAfterMs: 0 })).toEqual([]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a', ''])(
    'are refused as %j, which any page may send',
    async (type) => {
      const answer = await fixture.open().json('/api/v2/silences', post(posted, { 'content-type': type }));
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('content-type')]);
    },
  );
});

it.each<[string, RegExp]>([
  ['/alerts?active=maybe', /active is "maybe"; write true or false/],
  ['/alerts?filter=node', /no matcher/],
  ['/alerts?filter=%00', /no matcher/],
  ['/alerts?filter=node=~(', /not a regular expression/],
  ['/alerts?filter=node="a', /lacks a quote/],
  ['/alerts?filter=node=a"b', /quote inside/],
  ['/alerts?filter=n-o=a', /no matcher/],
  [`/alerts?filter=node=${'a'.repeat(2_000)}`, /2000 characters at most/],
  [`/alerts?${'filter=a=b&'.repeat(51)}`, /50 filters at most/],
  ['/alerts?receiver=(', /receiver is no regular expression/],
  [`/alerts?receiver=${'a'.repeat(1_001)}`, /1000 characters/],
  ['/alerts/groups?silenced=', /silenced is ""/],
  ['/silences?filter=', /no matcher/],
])('says what is wrong with %s', async (path, why) => {
  const { status, body } = await fixture.open().json(`/api/v2${path}`);
  expect([status, body]).toEqual([400, expect.stringMatching(why)]);
});

it('what it does not have is not found, in its own form', async () => {
  const { status, body } = await fixture.open().json('/api/v2/nothing');
  expect([status, body]).toEqual([404, 'there is no GET /api/v2/nothing here']);
});

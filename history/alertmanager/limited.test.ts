// The interface for a token that sees one of two nodes.
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { Target } from '../../core/model/target.ts';
import { createLimitedPorts } from '../access/limited-ports.ts';
import { createHistoryApp } from '../app.ts';
import type { Principal } from '../principal.ts';
import {
  createAlertmanagerFixture,
  namesOf,
  post,
  posted,
  shownAlert,
  shownSilence,
  silence,
} from './alertmanager.fixture.ts';
import { createAlertmanagerRoutes } from './routes.ts';

const TARGETS = ['a', 'b', 'd'].map(
  (node): Target => ({
    cluster: 'prod',
    node,
    role: 'etcd',
    host: node,
    port: 22,
    user: 'u',
    bastion: 'gate',
    hostKeys: [],
  }),
);
const principal: Principal = {
  name: 'token acme',
  scope: 'silence',
  selector: [{ name: 'node', op: '=~', value: 'a|x' }],
};

let fixture: Awaited<ReturnType<typeof createAlertmanagerFixture>>;
let request: (path: string, init?: RequestInit) => Promise<{ status: number; body: unknown }>;

beforeEach(async () => {
  fixture = await createAlertmanagerFixture();
  const { ports } = fixture.open();
  const limited = createLimitedPorts({
    ...ports,
    targets: async () => TARGETS,
  });
  const app = createHistoryApp({
    authenticate: async () => principal,
    portsFor: async (one) => limited(one),
    routes: [createAlertmanagerRoutes()],
  });
  request = async (path, init) => {
    const response = await app.request(`/api/v2${path}`, init, {});
    const text = await response.text();
    return { status: response.status, body: text === '' ? '' : JSON.parse(text) };
  };
});

const matcher = (value: string, isRegex = false) => ({ name: 'node', value, isRegex, isEqual: true });
const add = (value: string, isRegex = false) =>
  request('/silences', post({ ...posted, matchers: [matcher(value, isRegex)] }));

it('shows its alerts alone', async () => {
  const { body } = await request('/alerts');
  expect(namesOf(z.array(shownAlert).parse(body))).toEqual(['memory a']);
  const groups = await request('/alerts/groups');
  expect(JSON.stringify(groups.body)).not.toMatch(/"node":"[bd]"/);
});

it('shows silences that cover nothing else', async () => {
  await fixture.state.putSilence(silence('own'));
  await fixture.state.putSilence(silence('of-b', { matchers: [{ name: 'node', op: '=', value: 'b' }] }));
  await fixture.state.putSilence(silence('wide', { matchers: [{ name: 'node', op: '=~', value: '.+' }] }));
  const { body } = await request('/silences');
  expect(
    z
      .array(shownSilence)
      .parse(body)
      .map(({ id }) => id),
  ).toEqual(['own']);
  expect((await request('/silence/wide')).status).toBe(404);
  expect((await request('/silence/of-b', { method: 'DELETE' })).status).toBe(404);
  expect((await request('/silence/own', { method: 'DELETE' })).status).toBe(200);
  const ends = await fixture.state.listSilences({ endedAfterMs: fixture.clock.ms });
  expect(ends.map(({ id }) => id).sort()).toEqual(['of-b', 'wide']);
});

it('takes silences that cover nothing else, and says what is missing in others', async () => {
  expect((await add('a')).status).toBe(200);
  expect((await add('a|x', true)).status).toBe(200);
  for (const [value, isRegex] of [
    ['b', false],
    ['.+', true],
    ['a|b', true],
  ] as const) {
    const refused = await add(value, isRegex);
    expect([refused.status, refused.body]).toEqual([
      403,
      expect.stringContaining('matchers of its selector'),
    ]);
  }
  const other = await request('/silences', post(posted));
  expect(other.status).toBe(403);
  expect(await fixture.state.listSilences({ endedAfterMs: 0 })).toHaveLength(2);
});

it('a silence of its own cannot be changed into a wider one', async () => {
  const { body } = await add('a');
  const { silenceID: id } = body as { silenceID: string };
  const wider = await request('/silences', post({ ...posted, id, matchers: [matcher('.+', true)] }));
  expect(wider.status).toBe(403);
  expect(await fixture.state.listSilences({ endedAfterMs: 0 })).toMatchObject([
    { id, untilMs: Date.parse(posted.endsAt) },
  ]);
});

import { expect, it } from 'vitest';
import { createCookieKey } from './sealed-cookie.ts';

const SECRET = 'a secret that two deployments share, by mistake';
const AUDIENCE = ['https://bartizan.example', 'https://login.example', 'bartizan'];

it('opens what it sealed, for the same secret, purpose, deployment, provider and client alone', async () => {
  const key = createCookieKey(SECRET, AUDIENCE);
  const sealed = await key.seal('session', { person: 'ann' }, 1_000, 0);
  expect(await createCookieKey(SECRET, AUDIENCE).open('session', sealed, 999)).toMatchObject({
    person: 'ann',
  });
  expect(await key.open('session', sealed, 1_001)).toBeUndefined();
  expect(await key.open('login', sealed, 0)).toBeUndefined();
  for (const i of AUDIENCE.keys()) {
    const other = createCookieKey(SECRET, AUDIENCE.with(i, 'https://staging.example'));
    expect(await other.open('session', sealed, 0)).toBeUndefined();
  }
  expect(await createCookieKey(`${SECRET}.`, AUDIENCE).open('session', sealed, 0)).toBeUndefined();
});

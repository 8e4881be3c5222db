import { userInfo } from 'node:os';
import { afterEach, expect, it, vi } from 'vitest';
import { actorOf, parseAs } from './actor.ts';

afterEach(() => vi.unstubAllEnvs());

it('the actor is the user of the machine, whatever the environment says', () => {
  vi.stubEnv('USER', 'somebody-else');
  expect(actorOf()).toEqual({ actor: `cli:${userInfo().username}` });
});

it('a name that somebody gave stands beside the user, not in place of it', () => {
  expect(actorOf('kim')).toEqual({ actor: `cli:${userInfo().username}`, unverifiedActor: 'kim' });
});

it.each(['kim', 'Kim Min-ji', '김민지', 'kim@example.com', 'a', 'x'.repeat(100)])(
  'takes the name %s',
  (name) => {
    expect(parseAs(name)).toBe(name);
  },
);

it.each(['', ' kim', 'x'.repeat(101), 'kim\n', 'kim\u001b[31m', 'a\u202eb'])('refuses %j', (name) => {
  expect(() => parseAs(name)).toThrow('control character');
});

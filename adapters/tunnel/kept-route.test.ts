import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigError } from '../../core/errors.ts';
import type { FailureReason } from '../../core/model/observation.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { probeError } from '../ssh/failure.ts';
import { keepRoute } from './kept-route.ts';
import type { Route } from './route.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface FakeRoute extends Route {
  state: 'open' | 'frozen' | 'gone';
  asked: number;
}

function fakeRoute(): FakeRoute {
  const route: FakeRoute = {
    state: 'open',
    asked: 0,
    fingerprint: 'SHA256:x',
    isOpen: () => route.state !== 'gone',
    async isAlive(deadlineMs) {
      route.asked++;
      if (route.state === 'frozen') await new Promise((resolve) => setTimeout(resolve, deadlineMs));
      return route.state === 'open';
    },
    dial: () => Promise.reject(new Error('is not dialled here')),
    close: () => {
      route.state = 'gone';
    },
    destroy: () => {
      route.state = 'gone';
    },
  };
  return route;
}

const failure = (reason: FailureReason) => probeError(reason, 'bastion', `fails: ${reason}`);

/** `opens`: what each attempt to open it again results in; the last is repeated. */
function setup(opens: (FakeRoute | Error)[]) {
  const first = fakeRoute();
  const logger = createRecordingLogger();
  const lost: Route[] = [];
  const attempts: number[] = [];
  let moved = 0;
  const startMs = performance.now();
  const kept = keepRoute({
    first,
    async open() {
      const made = opens[Math.min(attempts.length, opens.length - 1)];
      attempts.push(Math.round((performance.now() - startMs) / 1000));
      if (made instanceof Error) throw made;
      return made as FakeRoute;
    },
    onLost: (route) => lost.push(route),
    moved: () => moved,
    logger,
    random: () => 1,
  });
  return { first, kept, logger, lost, attempts, move: (bytes: number) => (moved += bytes) };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

it('asks an idle session every fifteen seconds, and one that moves bytes never', async () => {
  const { first, kept, move } = setup([failure('timeout')]);
  await seconds(61);
  expect(first.asked).toBe(4);
  for (let i = 0; i < 60; i++) {
    move(1);
    await seconds(1);
  }
  expect(first.asked).toBe(4);
  await seconds(20);
  expect(first.asked).toBe(5);
  kept.close();
  expect(vi.getTimerCount()).toBe(0);
});

it('opens a session again that is gone, at once, and gives it to new connections', async () => {
  const second = fakeRoute();
  const { first, kept, lost, attempts, logger } = setup([second]);
  await seconds(5);
  first.state = 'gone';
  await seconds(1);
  expect(lost).toEqual([first]);
  expect(attempts).toEqual([6]);
  expect(await kept.current()).toBe(second);
  expect(logger.lines.map(({ message }) => message)).toEqual([
    'the SSH session was lost; its connections are closed, and it is being opened again',
    'the SSH session is open again',
  ]);
  kept.close();
  expect(second.state).toBe('gone');
});

it('takes a session that is silent for thirty seconds for lost', async () => {
  const { first, lost, kept } = setup([fakeRoute()]);
  first.state = 'frozen';
  await seconds(44);
  expect(lost).toEqual([]);
  await seconds(2);
  expect(lost).toEqual([first]);
  kept.close();
});

it('a connection that comes first notices the loss', async () => {
  const second = fakeRoute();
  const { first, kept, lost } = setup([second]);
  first.state = 'gone';
  expect(await kept.current()).toBe(second);
  expect(lost).toEqual([first]);
  kept.close();
});

it('tries again after pauses that double up to half a minute, and gives up after ten minutes', async () => {
  const { first, kept, attempts } = setup([failure('unreachable')]);
  const gave = expect(kept.givenUp).rejects.toThrow('fails: unreachable');
  first.state = 'gone';
  await seconds(3_600);
  await gave;
  expect(attempts.slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 62, 92, 122]);
  expect(attempts.at(-1)).toBeLessThanOrEqual(601);
  kept.close();
});

it.each([
  failure('auth'),
  failure('host-key'),
  failure('host-key-unknown'),
  failure('forbidden'),
  new ConfigError('the key is gone'),
])('does not try again after %s', async (error) => {
  const { first, kept, attempts } = setup([error]);
  const gave = expect(kept.givenUp).rejects.toBe(error);
  first.state = 'gone';
  await seconds(60);
  await gave;
  expect(attempts).toHaveLength(1);
  await expect(kept.current()).rejects.toBe(error);
  kept.close();
});

it('a connection waits ten seconds for a session at most', async () => {
  const { first, kept } = setup([failure('unreachable')]);
  first.state = 'gone';
  const waiting = expect(kept.current()).rejects.toThrow('is being opened again');
  await seconds(10);
  await waiting;
  kept.close();
});

it('closes a session that opens after the end', async () => {
  const second = fakeRoute();
  const { first, kept } = setup([second]);
  first.state = 'gone';
  const waiting = kept.current();
  kept.close();
  await expect(waiting).rejects.toThrow();
  expect(second.state).toBe('gone');
  await seconds(60);
  expect(vi.getTimerCount()).toBe(0);
});

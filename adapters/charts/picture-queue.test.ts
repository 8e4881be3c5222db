import { afterEach, expect, it, vi } from 'vitest';
import type { PictureOrder } from '../../core/chart/series.ts';
import { RetryableError } from '../../core/errors.ts';
import { createPictureQueue, type PictureQueue, type PictureQueueOptions } from './picture-queue.ts';
import type { Drawn, PictureThread } from './picture-thread.ts';

const never = new AbortController().signal;
const order = (name: string) => ({ timeZone: name }) as PictureOrder;
const pictureOf = (alt: string): Drawn => ({ png: new Uint8Array(), width: 1, height: 1, alt });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Threads that draw when the test says so. */
function createWorld(options: Partial<PictureQueueOptions> = {}) {
  const world = {
    now: 0,
    /** Names of what was begun, in order. */
    begun: [] as string[],
    threads: [] as { ended: boolean; alive: boolean; finish: (error?: Error) => void }[],
    queue: undefined as unknown as PictureQueue,
    draw: (name: string, how: Partial<Parameters<PictureQueue['draw']>[1]> = {}) => {
      const drawn = world.queue.draw(order(name), { signal: never, ...how }).then(({ alt }) => alt);
      drawn.catch(() => {});
      return drawn;
    },
    /** The thread that works finishes, `tookMs` after it began. */
    async finish(tookMs = 0, error?: Error) {
      world.now += tookMs;
      for (const thread of world.threads) thread.finish(error);
      await settle();
    },
  };
  const startThread = (): PictureThread => {
    const thread = { ended: false, alive: true, finish: (_?: Error) => {} };
    world.threads.push(thread);
    return {
      draw({ timeZone }) {
        world.begun.push(timeZone);
        const done = Promise.withResolvers<Drawn>();
        thread.finish = (error) => (error ? done.reject(error) : done.resolve(pictureOf(timeZone)));
        return done.promise;
      },
      isAlive: () => thread.alive && !thread.ended,
      end() {
        thread.ended = true;
        thread.finish(new Error('ended'));
      },
    };
  };
  world.queue = createPictureQueue({ startThread, threads: 1, nowMs: () => world.now, ...options });
  return world;
}

afterEach(() => vi.useRealTimers());

it('draws one after the other, on a thread that was started before it was needed', async () => {
  const world = createWorld();
  expect(world.threads).toHaveLength(1);
  const drawn = ['a', 'b'].map((name) => world.draw(name));
  expect(world.begun).toEqual(['a']);
  await world.finish();
  expect(world.begun).toEqual(['a', 'b']);
  await world.finish();
  expect(await Promise.all(drawn)).toEqual(['a', 'b']);
  expect(world.threads).toHaveLength(1);
});

it('draws on as many threads as it may, and no more', async () => {
  const world = createWorld({ threads: 2 });
  for (const name of ['a', 'b', 'c']) world.draw(name);
  expect([world.begun, world.threads.length]).toEqual([['a', 'b'], 2]);
  await world.finish();
  expect([world.begun, world.threads.length]).toEqual([['a', 'b', 'c'], 2]);
});

it('begins the newest incidents first, of one age in order of arrival', async () => {
  const world = createWorld();
  const ages = { first: 9, old: 1, new: 5, newer: 7, new2: 5 };
  for (const [name, newestMs] of Object.entries(ages)) world.draw(name, { newestMs });
  for (let i = 0; i < 5; i++) await world.finish();
  expect(world.begun).toEqual(['first', 'newer', 'new', 'new2', 'old']);
});

it('lets so many wait, and gives up those of the oldest incidents', async () => {
  const world = createWorld({ mostWaiting: 2 });
  world.draw('at work', { newestMs: 9 });
  const [old, older, newer] = ['old', 'older', 'newer'].map((name, i) =>
    world.draw(name, { newestMs: [5, 4, 6][i] }),
  );
  await expect(older).rejects.toThrow(new RetryableError('2 pictures of newer incidents wait already'));
  for (let i = 0; i < 3; i++) await world.finish();
  expect(await Promise.all([old, newer])).toEqual(['old', 'newer']);
  expect(world.begun).toEqual(['at work', 'newer', 'old']);
});

it('does not begin what nobody wants any more, and finishes what it has begun', async () => {
  const world = createWorld();
  const stop = new AbortController();
  const [a, b] = ['a', 'b'].map((name) => world.draw(name, { signal: stop.signal }));
  stop.abort(new Error('gone'));
  await expect(b).rejects.toThrow('gone');
  await world.finish();
  expect(await a).toBe('a');
  await expect(world.draw('c', { signal: stop.signal })).rejects.toThrow('gone');
  expect(world.begun).toEqual(['a']);
});

it('does not begin what would be done too late, with some time to spare', async () => {
  const world = createWorld();
  const drawn = ['a', 'b', 'c'].map((name) => world.draw(name, { withinMs: 1_000 }));
  await world.finish(300);
  await world.finish(400);
  // 300 ms are left, and pictures took up to 400.
  await expect(drawn[2]).rejects.toThrow(RetryableError);
  expect(world.begun).toEqual(['a', 'b']);
  const patient = world.draw('patient');
  await world.finish();
  expect(await patient).toBe('patient');
});

it('tells those that cannot be in time so at once, when it knows how long pictures take', async () => {
  const world = createWorld();
  const early: Promise<string>[] = [];
  for (let i = 0; i < 8; i++) early.push(world.draw(`early ${i}`));
  const late = Array.from({ length: 20 }, (_, i) => world.draw(`late ${i}`, { withinMs: 1_000 }));
  const hopeless: number[] = [];
  for (const [i, one] of late.entries()) one.catch(() => hopeless.push(i));
  for (let i = 0; i < 7; i++) await world.finish(50);
  expect(hopeless).toEqual([]);
  // 600 ms are left: for twelve.
  await world.finish(50);
  expect(hopeless).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  expect(world.begun.at(-1)).toBe('late 0');
});

it('a picture that fails costs no thread', async () => {
  const world = createWorld();
  const [a, b] = ['a', 'b'].map((name) => world.draw(name));
  await world.finish(0, new Error('no such metric'));
  await expect(a).rejects.toThrow('no such metric');
  await world.finish();
  expect(await b).toBe('b');
  expect(world.threads.map(({ ended }) => ended)).toEqual([false]);
});

it('replaces a thread that died, at work or idle', async () => {
  const world = createWorld();
  const [a, b] = ['a', 'b'].map((name) => world.draw(name));
  const [first] = world.threads;
  if (first) first.alive = false;
  await world.finish(0, new Error('it died'));
  await expect(a).rejects.toThrow('it died');
  await world.finish();
  expect(await b).toBe('b');
  const [, second] = world.threads;
  if (second) second.alive = false;
  const c = world.draw('c');
  await world.finish();
  expect(await c).toBe('c');
  expect(world.threads.map(({ ended }) => ended)).toEqual([true, false, false]);
});

it('ends and replaces a thread that hangs; its picture counts as failed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const world = createWorld({ longestMs: 5_000 });
  const [a, b] = ['a', 'b'].map((name) => world.draw(name));
  vi.advanceTimersByTime(4_999);
  await settle();
  expect(world.begun).toEqual(['a']);
  vi.advanceTimersByTime(1);
  await expect(a).rejects.toThrow('it was not drawn within 5 s');
  await settle();
  expect(world.threads.map(({ ended }) => ended)).toEqual([true, false]);
  await world.finish();
  expect(await b).toBe('b');
});

it('ends its threads when it is closed, and draws no more', async () => {
  const world = createWorld();
  const drawn = ['a', 'b'].map((name) => world.draw(name));
  world.queue.close();
  for (const one of [...drawn, world.draw('c')]) await expect(one).rejects.toThrow();
  expect(world.begun).toEqual(['a']);
  expect(world.threads.map(({ ended }) => ended)).toEqual([true]);
});

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
function createFixture(options: Partial<PictureQueueOptions> = {}) {
  const fixture = {
    now: 0,
    /** Names of what was begun, in order. */
    begun: [] as string[],
    threads: [] as { ended: boolean; alive: boolean; finish: (error?: Error) => void }[],
    queue: undefined as unknown as PictureQueue,
    draw: (name: string, how: Partial<Parameters<PictureQueue['draw']>[1]> = {}) => {
      const drawn = fixture.queue.draw(order(name), { signal: never, ...how }).then(({ alt }) => alt);
      drawn.catch(() => {});
      return drawn;
    },
    /** The thread that works finishes, `tookMs` after it began. */
    async finish(tookMs = 0, error?: Error) {
      fixture.now += tookMs;
      for (const thread of fixture.threads) thread.finish(error);
      await settle();
    },
  };
  const startThread = (): PictureThread => {
    const thread = { ended: false, alive: true, finish: (_?: Error) => {} };
    fixture.threads.push(thread);
    return {
      draw({ timeZone }) {
        fixture.begun.push(timeZone);
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
  fixture.queue = createPictureQueue({ startThread, threads: 1, nowMs: () => fixture.now, ...options });
  return fixture;
}

afterEach(() => vi.useRealTimers());

it('draws one after the other, on a thread that was started before it was needed', async () => {
  const fixture = createFixture();
  expect(fixture.threads).toHaveLength(1);
  const drawn = ['a', 'b'].map((name) => fixture.draw(name));
  expect(fixture.begun).toEqual(['a']);
  await fixture.finish();
  expect(fixture.begun).toEqual(['a', 'b']);
  await fixture.finish();
  expect(await Promise.all(drawn)).toEqual(['a', 'b']);
  expect(fixture.threads).toHaveLength(1);
});

it('draws on as many threads as it may, and no more', async () => {
  const fixture = createFixture({ threads: 2 });
  for (const name of ['a', 'b', 'c']) fixture.draw(name);
  expect([fixture.begun, fixture.threads.length]).toEqual([['a', 'b'], 2]);
  await fixture.finish();
  expect([fixture.begun, fixture.threads.length]).toEqual([['a', 'b', 'c'], 2]);
});

it('begins the newest incidents first, of one age in order of arrival', async () => {
  const fixture = createFixture();
  const ages = { first: 9, old: 1, new: 5, newer: 7, new2: 5 };
  for (const [name, newestMs] of Object.entries(ages)) fixture.draw(name, { newestMs });
  for (let i = 0; i < 5; i++) await fixture.finish();
  expect(fixture.begun).toEqual(['first', 'newer', 'new', 'new2', 'old']);
});

it('lets so many wait, and gives up those of the oldest incidents', async () => {
  const fixture = createFixture({ mostWaiting: 2 });
  fixture.draw('at work', { newestMs: 9 });
  const [old, older, newer] = ['old', 'older', 'newer'].map((name, i) =>
    fixture.draw(name, { newestMs: [5, 4, 6][i] }),
  );
  await expect(older).rejects.toThrow(new RetryableError('2 pictures of newer incidents wait already'));
  for (let i = 0; i < 3; i++) await fixture.finish();
  expect(await Promise.all([old, newer])).toEqual(['old', 'newer']);
  expect(fixture.begun).toEqual(['at work', 'newer', 'old']);
});

it('does not begin what nobody wants any more, and finishes what it has begun', async () => {
  const fixture = createFixture();
  const stop = new AbortController();
  const [a, b] = ['a', 'b'].map((name) => fixture.draw(name, { signal: stop.signal }));
  stop.abort(new Error('gone'));
  await expect(b).rejects.toThrow('gone');
  await fixture.finish();
  expect(await a).toBe('a');
  await expect(fixture.draw('c', { signal: stop.signal })).rejects.toThrow('gone');
  expect(fixture.begun).toEqual(['a']);
});

it('does not begin what would be done too late, with some time to spare', async () => {
  const fixture = createFixture();
  const drawn = ['a', 'b', 'c'].map((name) => fixture.draw(name, { withinMs: 1_000 }));
  await fixture.finish(300);
  await fixture.finish(400);
  // 300 ms are left, and pictures took up to 400.
  await expect(drawn[2]).rejects.toThrow(RetryableError);
  expect(fixture.begun).toEqual(['a', 'b']);
  const patient = fixture.draw('patient');
  await fixture.finish();
  expect(await patient).toBe('patient');
});

it('tells those that cannot be in time so at once, when it knows how long pictures take', async () => {
  const fixture = createFixture();
  const early: Promise<string>[] = [];
  for (let i = 0; i < 8; i++) early.push(fixture.draw(`early ${i}`));
  const late = Array.from({ length: 20 }, (_, i) => fixture.draw(`late ${i}`, { withinMs: 1_000 }));
  const hopeless: number[] = [];
  for (const [i, one] of late.entries()) one.catch(() => hopeless.push(i));
  for (let i = 0; i < 7; i++) await fixture.finish(50);
  expect(hopeless).toEqual([]);
  // 600 ms are left: for twelve.
  await fixture.finish(50);
  expect(hopeless).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  expect(fixture.begun.at(-1)).toBe('late 0');
});

it('a picture that fails costs no thread', async () => {
  const fixture = createFixture();
  const [a, b] = ['a', 'b'].map((name) => fixture.draw(name));
  await fixture.finish(0, new Error('no such metric'));
  await expect(a).rejects.toThrow('no such metric');
  await fixture.finish();
  expect(await b).toBe('b');
  expect(fixture.threads.map(({ ended }) => ended)).toEqual([false]);
});

it('replaces a thread that died, at work or idle', async () => {
  const fixture = createFixture();
  const [a, b] = ['a', 'b'].map((name) => fixture.draw(name));
  const [first] = fixture.threads;
  if (first) first.alive = false;
  await fixture.finish(0, new Error('it died'));
  await expect(a).rejects.toThrow('it died');
  await fixture.finish();
  expect(await b).toBe('b');
  const [, second] = fixture.threads;
  if (second) second.alive = false;
  const c = fixture.draw('c');
  await fixture.finish();
  expect(await c).toBe('c');
  expect(fixture.threads.map(({ ended }) => ended)).toEqual([true, false, false]);
});

it('ends and replaces a thread that hangs; its picture counts as failed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const fixture = createFixture({ longestMs: 5_000 });
  const [a, b] = ['a', 'b'].map((name) => fixture.draw(name));
  vi.advanceTimersByTime(4_999);
  await settle();
  expect(fixture.begun).toEqual(['a']);
  vi.advanceTimersByTime(1);
  await expect(a).rejects.toThrow('it was not drawn within 5 s');
  await settle();
  expect(fixture.threads.map(({ ended }) => ended)).toEqual([true, false]);
  await fixture.finish();
  expect(await b).toBe('b');
});

it('ends its threads when it is closed, and draws no more', async () => {
  const fixture = createFixture();
  const drawn = ['a', 'b'].map((name) => fixture.draw(name));
  fixture.queue.close();
  for (const one of [...drawn, fixture.draw('c')]) await expect(one).rejects.toThrow();
  expect(fixture.begun).toEqual(['a']);
  expect(fixture.threads.map(({ ended }) => ended)).toEqual([true]);
});

import { stat } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { scaledMs } from '../../test/machine-speed.ts';
import { answer, output } from '../../test/node-behaviour.ts';
import { batchOf, readings, targetOf } from '../../test/prober-fixture.ts';
import { keep, setupProber, useBastion } from '../../test/prober-fleet.ts';
import { startFakeNode } from '../../test/ssh-fleet.ts';
import { createLoopWatch } from './loop-watch.ts';

useBastion();

const BLOCK_MS = scaledMs(700);
/** Tolerance for a machine under load. */
const SLACK_MS = BLOCK_MS / 2;

function block(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function watched() {
  const watch = createLoopWatch();
  stops.push(watch.start());
  return watch;
}

it('the clock stops while the loop is blocked', async () => {
  const watch = watched();
  const startMs = watch.nowMs();
  const beganMs = performance.now();
  await sleep(50);
  block(BLOCK_MS);
  await sleep(50);
  const passed = watch.nowMs() - startMs;
  expect(performance.now() - beganMs).toBeGreaterThan(BLOCK_MS + 90);
  expect(passed).toBeGreaterThan(60);
  expect(passed).toBeLessThan(SLACK_MS);
});

it('detects a block before the next tick', async () => {
  const watch = watched();
  const startMs = watch.nowMs();
  block(BLOCK_MS);
  expect(watch.nowMs() - startMs).toBeLessThan(50);
  expect(watch.waitedMs()).toBeGreaterThan(BLOCK_MS - 50);
});

it('events in the turn after a block have waited for it, later ones have not', async () => {
  const watch = watched();
  await sleep(30);
  const waited: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(() => {
    // Finished long before we handle it.
    stat('.', () => {
      waited.push(watch.waitedMs());
      setTimeout(() => {
        waited.push(watch.waitedMs());
        resolve();
      }, 50);
    });
    block(BLOCK_MS);
  });
  await promise;
  expect(waited[0]).toBeGreaterThan(BLOCK_MS - 50);
  expect(waited[1]).toBeLessThan(SLACK_MS);
});

it('never goes back, though watches begin and end', async () => {
  const watch = createLoopWatch();
  let last = watch.nowMs();
  const expectOn = () => {
    const now = watch.nowMs();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  };
  for (let i = 0; i < 3; i++) {
    const [one, other] = [watch.start(), watch.start()];
    block(60);
    expectOn();
    one();
    expectOn();
    await sleep(20);
    other();
    other();
    expectOn();
  }
});

it('a probe whose answer waited for the loop has the duration and clock offset of the node', async () => {
  const node = await keep(
    startFakeNode((channel, _, count) => {
      answer(channel, output(count));
      // The answer is under way, but this process is too busy to handle it.
      setImmediate(() => block(BLOCK_MS));
    }),
  );
  const { prober } = await setupProber();
  const result = await prober.probe(batchOf([targetOf('n', node)]));
  const [observation] = result.observations;
  expect(observation?.durationMs).toBeLessThan(BLOCK_MS);
  // The fake node's clock is seven seconds ahead.
  expect(Math.abs((readings(result, 'n').clock_offset ?? 0) - 7)).toBeLessThan(BLOCK_MS / 1_000 / 2);
});

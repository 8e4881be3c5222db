import { stat } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { answer, output } from '../test/node-behaviour.ts';
import { keep, world } from '../test/prober-fleet.ts';
import { batchOf, readings, targetOf } from '../test/prober-world.ts';
import { startFakeNode } from '../test/ssh-fleet.ts';
import { createLoopWatch } from './loop-watch.ts';

const BLOCK_MS = 700;
/** What a machine under load may add. */
const SLACK_MS = 300;

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

it('a clock that stands still while the loop is blocked', async () => {
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

it('knows of a block before the next tick', async () => {
  const watch = watched();
  const startMs = watch.nowMs();
  block(BLOCK_MS);
  expect(watch.nowMs() - startMs).toBeLessThan(50);
  expect(watch.waitedMs()).toBeGreaterThan(BLOCK_MS - 50);
});

it('what is handled in the turn after a block has waited for it, and what comes later has not', async () => {
  const watch = watched();
  await sleep(30);
  const waited: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(() => {
    // Done long before it is seen.
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

it('a probe whose answer lay there unseen: its duration and the offset of its clock are those of the node', async () => {
  const node = await keep(
    startFakeNode((channel, _, count) => {
      answer(channel, output(count));
      // The answer is on its way; what else this process does keeps it from being seen.
      setImmediate(() => block(BLOCK_MS));
    }),
  );
  const { prober } = await world();
  const result = await prober.probe(batchOf([targetOf('n', node)]));
  const [observation] = result.observations;
  expect(observation?.durationMs).toBeLessThan(BLOCK_MS);
  // The fake node's clock is seven seconds ahead.
  expect(Math.abs((readings(result, 'n').clock_offset ?? 0) - 7)).toBeLessThan(BLOCK_MS / 1_000 / 2);
});

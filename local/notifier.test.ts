import { describe, expect, it } from 'vitest';
import type { Config } from '../core/config/types.ts';
import { RetryableError } from '../core/errors.ts';
import type { StateStore } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createWorld, fire, route, START } from '../test/stage-world.ts';
import { startNotifier } from './notifier.ts';

it('sends over one channel while another hangs, and lets the stop cut the one that hangs', async () => {
  const channels = ['slow', 'ops'].map((name) => ({
    name,
    type: 'webhook',
    theme: 'dark' as const,
    options: {},
  }));
  const routes = [
    { ...route, name: 'first', channels: ['slow'], continue: true },
    { ...route, name: 'second', channels: ['ops'], groupWaitMs: 10_000 },
  ];
  const world = createWorld({ channels, routes });
  const hanging = Promise.withResolvers<void>();
  const cut = () => hanging.reject(new Error('cut off'));
  world.answers.slow = () => hanging.promise;
  await fire(world);
  const notifier = startNotifier(world.config as Config, world.ports);
  await world.goTo(2.3);
  expect(world.said()).toEqual(['ops 1 first firing n1:firing']);
  const stopped = notifier.stop(1_000);
  await world.time.advanceTo(world.time.clock.nowMs());
  cut();
  await stopped;
});

describe('passes that fail', () => {
  /** An outbox or incidents that cannot be read or written, until it is told otherwise. */
  function createTrial(broken: 'dueOutbox' | 'dueIncidents' | 'commitIncidents' | 'nextDueMs') {
    const inner = createMemoryState();
    const called: number[] = [];
    let full = true;
    const state: StateStore = {
      ...inner,
      [broken]: async (...args: never[]) => {
        if (broken !== 'dueOutbox' || full) called.push(world.time.clock.nowMs());
        if (full) throw new RetryableError('no space left');
        return (inner[broken] as (...all: never[]) => Promise<unknown>)(...args);
      },
    };
    const world = createWorld({ state });
    const passes: number[] = [];
    const onPass = (failures: number) => void passes.push(failures);
    const notifier = startNotifier(world.config as Config, { ...world.ports, onPass });
    const stop = async () => {
      const stopped = notifier.stop(0);
      await world.time.advanceTo(world.time.clock.nowMs() + 1_000);
      await stopped;
    };
    return {
      ...world,
      notifier,
      passes,
      called,
      failed: () => world.logger.lines.filter(({ message }) => message.startsWith('notify failed')),
      stop,
      mend: () => {
        full = false;
      },
    };
  }

  it.each([['dueOutbox'], ['dueIncidents'], ['nextDueMs']] as const)(
    'pause, doubling up to a minute: %s',
    async (broken) => {
      const trial = createTrial(broken);
      await trial.time.advanceTo(START + 300_000);
      const since = trial.called.map((ms) => (ms - START) / 1000);
      expect(since).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
      expect(trial.counted.get('notify_failures_total')).toBe(10);
      expect(trial.passes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      trial.mend();
      await trial.time.advanceTo(START + 304_000);
      expect(trial.passes.at(-1)).toBe(0);
      await trial.stop();
    },
  );

  it('on a disk that is full send nothing, and pause for as long as the log says, whatever wakes them', async () => {
    const trial = createTrial('commitIncidents');
    await fire(trial);
    const beganMs = trial.time.clock.nowMs();
    const failedAt: number[] = [];
    for (let ms = 0; ms <= 60_000; ms += 100) {
      trial.notifier.wake();
      await trial.time.advanceTo(beganMs + ms);
      if (trial.failed().length > failedAt.length) failedAt.push(trial.time.clock.nowMs());
    }
    const said = trial.failed().map(({ fields }) => fields?.pauseMs);
    expect(said.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(failedAt.slice(1).map((ms, i) => ms - (failedAt[i] ?? 0))).toEqual(said.slice(0, -1));
    expect(trial.sent).toEqual([]);
    trial.mend();
    await trial.time.advanceTo(beganMs + 130_000);
    expect(trial.said()).toEqual(['ops 1 first firing n1:firing']);
    await trial.stop();
  });
});

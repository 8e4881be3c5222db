import { describe, expect, it } from 'vitest';
import { RetryableError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { StateStore } from '../core/ports.ts';
import { deliverDue } from '../core/stages/deliver.ts';
import { groupTransitions } from '../core/stages/group.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { clear, createStageFixture, fire, MINUTE, route, START } from '../test/stage-fixture.ts';
import { startNotifier } from './notifier.ts';

it('sends over one channel while another one hangs, and the stop cuts off the one that hangs', async () => {
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
  const fixture = createStageFixture({ channels, routes });
  const hanging = Promise.withResolvers<void>();
  const cut = () => hanging.reject(new Error('cut off'));
  fixture.answers.slow = () => hanging.promise;
  await fire(fixture);
  const notifier = startNotifier(fixture.config as Config, fixture.ports);
  await fixture.goTo(2.3);
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  const stopped = notifier.stop(1_000);
  await fixture.time.advanceTo(fixture.time.clock.nowMs());
  cut();
  await stopped;
});

it('a working channel does not wait for thousands of messages to one that hangs', async () => {
  const channels = ['slow', 'ops'].map((name) => ({
    name,
    type: 'webhook',
    theme: 'dark' as const,
    options: {},
  }));
  const fixture = createStageFixture({ channels, routes: [{ ...route, channels: ['ops'] }] });
  const stop = new AbortController();
  const hanging = new Promise<void>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(new RetryableError('cut off')));
  });
  fixture.answers.slow = () => hanging;
  await fire(fixture);
  await groupTransitions(fixture.config as Config, fixture.ports);
  const [found] = await fixture.state.openIncidents();
  if (!found) throw new Error('no incident');
  for (let i = 0; i < 900; i++) {
    const slow = { ...found.value, id: `s${i}`, groupKey: `s${i}`, channel: 'slow', dueAtMs: START };
    await fixture.state.commitIncidents({ incidents: [{ value: slow, version: 0 }] });
  }
  const pass = deliverDue(fixture.config as Config, fixture.ports, stop.signal);
  await fixture.time.advanceTo(fixture.time.clock.nowMs() + 5_000);
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  stop.abort();
  await pass;
});

it.each(['while it runs', 'and it was started again'])(
  'after the clock was set back, %s, new messages are sent in time',
  async (how) => {
    const fixture = createStageFixture({ routes: [{ ...route, groupIntervalMs: MINUTE }] });
    fixture.time.jumpTo(START + 60 * MINUTE);
    await fire(fixture);
    let notifier = startNotifier(fixture.config as Config, fixture.ports);
    await fixture.goTo(60.2);
    expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    if (how !== 'while it runs') {
      const stopped = notifier.stop(0);
      await fixture.goTo(60.3);
      await stopped;
      fixture.time.jumpTo(START + 5 * MINUTE);
      notifier = startNotifier(fixture.config as Config, fixture.ports);
    } else {
      fixture.time.jumpTo(START + 5 * MINUTE);
      notifier.wake();
    }
    await fixture.goTo(5.2);
    await clear(fixture, 6);
    notifier.wake();
    await fixture.goTo(8);
    expect(fixture.sentLines().slice(1)).toEqual(['ops 2 all-resolved resolved n1:resolved']);
    const stopped = notifier.stop(0);
    await fixture.goTo(9);
    await stopped;
  },
);

describe('failed passes', () => {
  /** An outbox or incidents that cannot be read or written, until the test changes that. */
  function createTrial(broken: 'dueOutbox' | 'dueIncidents' | 'commitIncidents' | 'nextDueMs') {
    const inner = createMemoryState();
    const called: number[] = [];
    let full = true;
    const state: StateStore = {
      ...inner,
      [broken]: async (...args: never[]) => {
        if (broken !== 'dueOutbox' || full) called.push(fixture.time.clock.nowMs());
        if (full) throw new RetryableError('no space left');
        return (inner[broken] as (...all: never[]) => Promise<unknown>)(...args);
      },
    };
    const fixture = createStageFixture({ state });
    const passes: number[] = [];
    const onPass = (failures: number) => void passes.push(failures);
    const notifier = startNotifier(fixture.config as Config, { ...fixture.ports, onPass });
    const stop = async () => {
      const stopped = notifier.stop(0);
      await fixture.time.advanceTo(fixture.time.clock.nowMs() + 1_000);
      await stopped;
    };
    return {
      ...fixture,
      notifier,
      passes,
      called,
      failed: () => fixture.logger.lines.filter(({ message }) => message.startsWith('notify failed')),
      stop,
      mend: () => {
        full = false;
      },
    };
  }

  it.each([['dueOutbox'], ['dueIncidents'], ['nextDueMs']] as const)(
    'pause, doubling up to a minute: %s',
    async (broken) => {
      const setup = createTrial(broken);
      await setup.time.advanceTo(START + 300_000);
      const since = setup.called.map((ms) => (ms - START) / 1000);
      expect(since).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
      expect(setup.counted.get('notify_failures_total')).toBe(10);
      expect(setup.passes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      setup.mend();
      await setup.time.advanceTo(START + 304_000);
      expect(setup.passes.at(-1)).toBe(0);
      await setup.stop();
    },
  );

  it('on a full disk send nothing, and pause for the time in the log, whatever wakes them', async () => {
    const setup = createTrial('commitIncidents');
    await fire(setup);
    const beganMs = setup.time.clock.nowMs();
    const failedAt: number[] = [];
    for (let ms = 0; ms <= 60_000; ms += 100) {
      setup.notifier.wake();
      await setup.time.advanceTo(beganMs + ms);
      if (setup.failed().length > failedAt.length) failedAt.push(setup.time.clock.nowMs());
    }
    const logged = setup.failed().map(({ fields }) => fields?.pauseMs);
    expect(logged.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(failedAt.slice(1).map((ms, i) => ms - (failedAt[i] ?? 0))).toEqual(logged.slice(0, -1));
    expect(setup.sent).toEqual([]);
    setup.mend();
    await setup.time.advanceTo(beganMs + 130_000);
    expect(setup.sentLines()).toEqual(['ops 1 first firing n1:firing']);
    await setup.stop();
  });
});

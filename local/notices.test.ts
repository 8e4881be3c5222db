import { expect, it } from 'vitest';
import type { Notification } from '../core/model/notification.ts';
import type { Channel } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';
import { noticeOf, runNotices } from './notices.ts';

const HOUR = 3_600_000;
const notice = noticeOf([{ name: 'state', detail: 'x' }], 0);

function createTrial(names: readonly string[]) {
  const time = createVirtualTime(0);
  const { counters } = createMemoryState();
  const dead = new Set<string>();
  const got: string[] = [];
  const messages: Notification[] = [];
  const channel = (name: string): Channel => ({
    async send(notification) {
      if (dead.has(name)) throw new Error('no answer from hunter2');
      got.push(`${name} ${notification.number} ${notification.status} ${time.clock.nowMs() / 1000}`);
      messages.push(notification);
      return { detail: 'ok' };
    },
  });
  const meter = createMeter();
  const faults = createFaults();
  const logger = createRecordingLogger();
  const kept: number[] = [];
  const start = (fresh: typeof notice | undefined) => {
    const stopping = new AbortController();
    const ended = runNotices(fresh, {
      counters,
      channels: new Map(names.map((name) => [name, channel(name)])),
      faults,
      clock: time.clock,
      sleep: time.sleep,
      logger,
      meter,
      redact: (text) => text.replaceAll('hunter2', '<secret>'),
      timeZone: 'UTC',
      signal: stopping.signal,
      onKept: () => kept.push(time.clock.nowMs()),
    });
    return { ended, stop: () => stopping.abort() };
  };
  return { time, dead, got, kept, messages, faults, logger, meter, start };
}

it('is sent to every channel, and its end an hour later', async () => {
  const setup = createTrial(['ops', 'chat']);
  const { ended } = setup.start(notice);
  await setup.time.advanceTo(HOUR / 2);
  expect(setup.kept[0]).toBe(0);
  expect(setup.faults.findings().warnings).toEqual([
    { code: 'data-set-aside', words: 'a damaged database was put aside; every channel has the notice' },
  ]);
  await setup.time.advanceTo(2 * HOUR);
  await ended;
  expect(setup.got.sort()).toEqual([
    'chat 1 firing 0',
    'chat 2 resolved 3600',
    'ops 1 firing 0',
    'ops 2 resolved 3600',
  ]);
  expect(setup.messages[0]).toMatchObject({
    severity: 'critical',
    alerts: [
      { title: 'Bartizan started again after damage', summary: expect.stringContaining('state was damaged') },
    ],
  });
  expect(new Set(setup.messages.map(({ key }) => key)).size).toBe(4);
  expect(setup.faults.findings().warnings).toEqual([]);
});

it('is tried again for a channel that refuses it, at growing intervals, and listed meanwhile', async () => {
  const setup = createTrial(['ops', 'chat']);
  setup.dead.add('chat');
  const { stop } = setup.start(notice);
  await setup.time.advanceTo(60_000);
  expect(setup.got).toEqual(['ops 1 firing 0']);
  const tries = setup.logger.lines.filter(({ message }) => message.startsWith('a notice was not'));
  expect(tries.length).toBe(5);
  expect(tries[0]?.fields).toEqual({ channel: 'chat', detail: 'no answer from <secret>' });
  expect(setup.faults.findings().warnings).toEqual([
    {
      code: 'data-set-aside',
      words: 'a damaged database was put aside; 1 channel without the notice yet',
      detail: 'chat',
    },
  ]);
  setup.dead.clear();
  await setup.time.advanceTo(130_000);
  expect(setup.got.at(-1)).toMatch(/^chat 1 firing/);
  stop();
});

it('continues after a restart, and sends nothing twice', async () => {
  const setup = createTrial(['ops', 'chat']);
  setup.dead.add('chat');
  const first = setup.start(notice);
  await setup.time.advanceTo(10_000);
  first.stop();
  await first.ended;
  setup.dead.clear();
  const second = setup.start(undefined);
  await setup.time.advanceTo(2 * HOUR);
  await second.ended;
  expect(setup.got.map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
    'ops 1 firing',
    'chat 1 firing',
    'ops 2 resolved',
    'chat 2 resolved',
  ]);
});

it('is given up for a channel after a day, and counted once', async () => {
  const setup = createTrial(['ops']);
  setup.dead.add('ops');
  const first = setup.start(notice);
  await setup.time.advanceTo(26 * HOUR);
  await first.ended;
  await setup.start(undefined).ended;
  expect([setup.got, setup.meter.total('notices_failed_total')]).toEqual([[], 1]);
});

it('is absent when nothing happened', async () => {
  const setup = createTrial(['ops']);
  await setup.start(undefined).ended;
  expect([setup.got, setup.faults.findings().warnings]).toEqual([[], []]);
});

import { expect, it, onTestFinished } from 'vitest';
import type { Notification } from '../core/model/notification.ts';
import type { SampleStore, StoreSize } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { runDiskWatch } from './disk-watch.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';

const GIB = 1024 ** 3;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SIZE: StoreSize = { fileBytes: 100, usedBytes: 90, removedRows: 0 };

type Limit = Parameters<NonNullable<SampleStore['limitSize']>>[0];

function createTrial() {
  const time = createVirtualTime(0);
  const { counters } = createMemoryState();
  const disk = { freeGib: 50, sizeGib: 100, error: undefined as Error | undefined };
  const store = { size: SIZE, error: undefined as Error | undefined, limits: [] as Limit[] };
  const messages: Notification[] = [];
  const [faults, meter, logger] = [createFaults(), createMeter(), createRecordingLogger()];
  const channel = {
    async send(notification: Notification) {
      messages.push(notification);
      return { detail: 'ok' };
    },
  };
  const start = () => {
    const stopping = new AbortController();
    const ended = runDiskWatch({
      config: { rules: [], checks: [], schedule: { jitterMs: 0, timeZone: 'UTC', latenessMs: 15 * MINUTE } },
      dir: '/data',
      store: {
        async limitSize(limit) {
          store.limits.push(limit);
          if (store.error) throw store.error;
          return store.size;
        },
      },
      async readSpace() {
        if (disk.error) throw disk.error;
        return { freeBytes: disk.freeGib * GIB, sizeBytes: disk.sizeGib * GIB };
      },
      ...{ counters, faults, meter, logger, channels: new Map([['ops', channel]]) },
      ...{ clock: time.clock, sleep: time.sleep, redact: (text: string) => text, timeZone: 'UTC' },
      signal: stopping.signal,
    });
    const stop = async () => {
      stopping.abort();
      await ended;
    };
    onTestFinished(stop);
    return stop;
  };
  return { time, disk, store, messages, faults, meter, logger, start };
}

it('shows the room on the disk, and keeps what rules read', async () => {
  const { time, store, faults, meter, messages, start } = createTrial();
  start();
  await time.advanceTo(10 * HOUR);
  expect(faults.findings()).toEqual({ reasons: [], warnings: [] });
  expect(messages).toEqual([]);
  expect(meter.text()).toContain(`bartizan_data_disk_free_bytes ${50 * GIB}\n`);
  expect(meter.text()).toContain('bartizan_store_used_bytes 90\n');
  expect(store.limits.length).toBe(10 * 60 + 1);
  // Two hours for pictures and for alerts whose series is absent, and the lateness.
  const nowMs = 10 * HOUR;
  expect(store.limits.at(-1)).toEqual({ mayGrow: true, nowMs, keepFromMs: nowMs - 2.25 * HOUR });
});

it('warns, and sends one notice a day, also over a restart', async () => {
  const { time, disk, faults, messages, start } = createTrial();
  const stop = start();
  await time.advanceTo(MINUTE);
  disk.freeGib = 4;
  await time.advanceTo(3 * HOUR);
  expect(faults.findings().warnings).toEqual([
    {
      code: 'disk-filling',
      words: '4 GiB of 100 GiB are free on the disk of the data folder',
      detail: 'the disk of the data folder had little room; every channel has the notice',
    },
  ]);
  await stop();
  start();
  await time.advanceTo(20 * HOUR);
  expect(messages.map(({ status }) => status)).toEqual(['firing']);
  expect(messages[0]?.alerts[0]?.rule).toBe('bartizan-disk-filling');
  await time.advanceTo(30 * HOUR);
  expect(messages.map(({ status }) => status)).toEqual(['firing', 'resolved', 'firing']);
});

it('has no finding once there is room again', async () => {
  const { time, disk, faults, start } = createTrial();
  disk.freeGib = 4;
  start();
  await time.advanceTo(HOUR);
  disk.freeGib = 60;
  await time.advanceTo(HOUR + 2 * MINUTE);
  expect(faults.findings()).toEqual({ reasons: [], warnings: [] });
});

it('sees hours before that a disk will be full', async () => {
  const { time, disk, faults, start } = createTrial();
  start();
  for (let minute = 1; minute <= 60; minute++) {
    disk.freeGib = 30 - minute / 30;
    await time.advanceTo(minute * MINUTE);
  }
  expect(faults.findings().warnings[0]?.words).toContain('will be full within a day');
});

it('fails health on a nearly full disk, and lets the store grow no further, although it refuses', async () => {
  const { time, disk, store, faults, logger, messages, start } = createTrial();
  disk.freeGib = 0.1;
  store.error = new Error('no space left');
  start();
  // Between two measurements, and when the notice is out.
  for (const afterMs of [1_000, MINUTE - 1, MINUTE + 1, 5 * MINUTE]) {
    await time.advanceTo(afterMs);
    expect(faults.findings()).toMatchObject({ reasons: [{ code: 'disk-filling' }], warnings: [] });
  }
  expect(store.limits.map(({ mayGrow }) => mayGrow)).toEqual(Array(6).fill(false));
  expect(messages.length).toBe(1);
  expect(logger.lines.some(({ level }) => level === 'error')).toBe(true);
});

it('goes on where the disk cannot be measured', async () => {
  const { time, disk, meter, start } = createTrial();
  disk.error = new Error('EIO');
  start();
  await time.advanceTo(3 * MINUTE);
  disk.error = undefined;
  await time.advanceTo(4 * MINUTE);
  expect(meter.text()).toContain('bartizan_data_disk_size_bytes');
});

it('counts what was removed for lack of room, and says when rules need more than the limit', async () => {
  const { time, store, meter, faults, start } = createTrial();
  store.size = { fileBytes: 3 * GIB, usedBytes: 2 * GIB, maxBytes: GIB, removedRows: 7 };
  start();
  await time.advanceTo(MINUTE);
  expect(meter.total('store_rows_cut_total')).toBe(14);
  expect(faults.findings().warnings[0]).toMatchObject({
    code: 'store-too-large',
    words: expect.stringContaining('the store takes 2 GiB, more than store.maxSize, 1 GiB: rules in force'),
  });
  store.size = { ...store.size, usedBytes: GIB };
  await time.advanceTo(2 * MINUTE);
  expect(faults.findings().warnings).toEqual([]);
});

import { statfs } from 'node:fs/promises';
import { MACHINE_KEYS } from '../adapters/state/machine-state.ts';
import {
  type DiskSpace,
  type DiskState,
  diskStateOf,
  diskText,
  FORECAST_FROM_MS,
} from '../core/disk-space.ts';
import { describeError } from '../core/errors.ts';
import { formatValue } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { Point } from '../core/model/sample.ts';
import type { SampleStore, StoreSize } from '../core/ports.ts';
import { neededMs } from '../core/samples-needed.ts';
import type { Faults } from './faults.ts';
import { type NoticeKind, type NoticePorts, runNotices } from './notices.ts';

const EVERY_MS = 60_000;
/** While a disk stays low, every channel gets one notice a day. */
const NOTICE_LASTS_MS = 24 * 3_600_000;
const FILLING: NoticeKind = {
  key: MACHINE_KEYS.diskNotice,
  code: 'disk-filling',
  words: 'the disk of the data folder had little room',
};

export interface DiskWatchOptions extends Omit<NoticePorts, 'kind' | 'onKept'> {
  config: Pick<Config, 'rules' | 'checks' | 'schedule'>;
  /** The data folder. */
  dir: string;
  store: Pick<SampleStore, 'limitSize'>;
  readSpace?: (dir: string) => Promise<DiskSpace>;
}

/**
 * Every minute measures the room that is left on the disk of the data folder, and the store, which deletes its oldest samples where it
 * takes more than it may. A disk that fills up becomes a finding of health and a notice to every channel. Resolves at the abort.
 */
export async function runDiskWatch(options: DiskWatchOptions): Promise<void> {
  const { config, clock, sleep, signal, logger } = options;
  const keepMs = neededMs(config);
  const readings: Point[] = [];
  const notices = createDiskNotices(options);
  while (!signal.aborted) {
    try {
      const nowMs = clock.nowMs();
      const space = await (options.readSpace ?? readDiskSpace)(options.dir);
      while (readings[0] && readings[0].timeMs < nowMs - FORECAST_FROM_MS) readings.shift();
      // A clock that was set back would make the line run backwards.
      if ((readings.at(-1)?.timeMs ?? 0) >= nowMs) readings.length = 0;
      readings.push({ timeMs: nowMs, value: space.freeBytes });
      const state = diskStateOf(space, readings);
      reportSpace(state, space, { ...options, progress: notices.progress() });
      await notices.follow(state, space);
      await limitStore({ mayGrow: state !== 'nearlyFull', keepFromMs: nowMs - keepMs, nowMs }, options);
    } catch (error) {
      logger.error('the room on the disk of the data folder cannot be measured, or the store not be cut', {
        error: describeError(error),
      });
    }
    await sleep(EVERY_MS, signal);
  }
  await notices.end();
}

async function readDiskSpace(dir: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(dir);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

function reportSpace(
  state: DiskState,
  space: DiskSpace,
  { meter, faults, logger, progress }: DiskWatchOptions & { progress: string | undefined },
): void {
  meter.gauge('data_disk_free_bytes', space.freeBytes);
  meter.gauge('data_disk_size_bytes', space.sizeBytes);
  if (state === 'ok') {
    faults.clear('disk-filling');
    return;
  }
  const words = diskText(state, space);
  faults.raise({
    kind: state === 'nearlyFull' ? 'reason' : 'warning',
    code: 'disk-filling',
    words,
    ...(progress !== undefined && { detail: progress }),
  });
  logger.warn('the disk of the data folder fills up', { free: space.freeBytes, size: space.sizeBytes });
}

async function limitStore(
  limit: Parameters<NonNullable<SampleStore['limitSize']>>[0],
  { store, meter, faults, logger }: DiskWatchOptions,
): Promise<void> {
  const size = await store.limitSize?.(limit);
  if (!size) return;
  const { fileBytes, usedBytes, maxBytes, removedRows } = size;
  meter.gauge('store_file_bytes', fileBytes);
  meter.gauge('store_used_bytes', usedBytes);
  if (removedRows > 0) {
    meter.count('store_rows_cut_total', {}, removedRows);
    const why = limit.mayGrow ? 'store.maxSize' : 'the disk is nearly full';
    logger.info('removed the oldest samples before their retention', { rows: removedRows, why, usedBytes });
  }
  if (maxBytes === undefined || usedBytes <= maxBytes) {
    faults.clear('store-too-large');
    return;
  }
  faults.raise({ kind: 'warning', code: 'store-too-large', words: tooLargeText({ ...size, maxBytes }) });
}

function tooLargeText({ usedBytes, maxBytes }: StoreSize & { maxBytes: number }): string {
  const [used, limit] = [formatValue(usedBytes, 'bytes'), formatValue(maxBytes, 'bytes')];
  return `the store takes ${used}, more than store.maxSize, ${limit}: rules in force read what is left, so it stays; allow more, or shorten the longest window or hold`;
}

function createDiskNotices(options: DiskWatchOptions) {
  const { counters, clock, logger } = options;
  let sending: Promise<void> | undefined;
  let progress: string | undefined;
  // The finding is that of the newest measurement, whatever becomes of the notice.
  const faults: Faults = {
    ...options.faults,
    raise: ({ words, detail }) => {
      progress = [words, detail].filter((text) => text !== undefined).join(': ');
    },
    clear: () => {
      progress = undefined;
    },
  };

  function start(fresh: Parameters<typeof runNotices>[0]): void {
    sending = runNotices(fresh, { ...options, faults, kind: FILLING })
      .catch((error: unknown) =>
        logger.warn('the notice about the disk cannot be read', { error: describeError(error) }),
      )
      .finally(() => {
        sending = undefined;
      });
  }

  // A notice that the last process did not finish.
  start(undefined);
  return {
    /** Which channels have the last notice, for people on the machine. */
    progress: () => progress,
    async follow(state: DiskState, space: DiskSpace): Promise<void> {
      if (state === 'ok' || sending) return;
      const nowMs = clock.nowMs();
      const noticedMs = Number((await counters.load(MACHINE_KEYS.diskNoticed)) ?? -Infinity);
      if (nowMs >= noticedMs && nowMs - noticedMs < NOTICE_LASTS_MS) return;
      await counters
        .save(MACHINE_KEYS.diskNoticed, nowMs)
        .catch((error: unknown) =>
          logger.warn('the state of a notice was not stored', { error: describeError(error) }),
        );
      start({
        name: 'bartizan-disk-filling',
        title: 'The disk of Bartizan fills up',
        summary: `${diskText(state, space)}. When it is full, alerts can neither be stored nor sent: free some room, or lower store.retention or store.maxSize.`,
        atMs: nowMs,
        overAtMs: nowMs + NOTICE_LASTS_MS,
      });
    },
    end: async () => {
      await sending;
    },
  };
}

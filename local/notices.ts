import { MACHINE_KEYS, type MachineKey } from '../adapters/state/machine-state.ts';
import { describeError } from '../core/errors.ts';
import { count, type HealthCode, some } from '../core/health.ts';
import { SEND_TIMEOUT_MS } from '../core/notify/attempt.ts';
import { type Notice, noticeMessage } from '../core/notify/notice.ts';
import type { Channel, Clock, Counters, Logger, Meter } from '../core/ports.ts';
import type { Sleep } from './clock.ts';
import type { Faults } from './faults.ts';
import type { SetAside } from './recovery.ts';

/** Kept until every channel has accepted it, also over restarts. */
interface KeptNotice extends Notice {
  /** The messages that each channel accepted: 1 the notice, 2 its end. */
  taken: Record<string, number>;
}

const LASTS_MS = 3_600_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 300_000;
/** A channel that accepts nothing for this long is given up, and counted. */
const GIVE_UP_MS = 24 * 3_600_000;

/** What a notice is about; each kind has at most one notice at a time. */
export interface NoticeKind {
  /** Where state keeps it. */
  key: MachineKey;
  /** The finding of health while it lasts, and how that begins. */
  code: HealthCode;
  words: string;
}

export const DATA_SET_ASIDE: NoticeKind = {
  key: MACHINE_KEYS.setAsideNotice,
  code: 'data-set-aside',
  words: 'a damaged database was put aside',
};

export interface NoticePorts {
  counters: Counters;
  channels: ReadonlyMap<string, Channel>;
  faults: Faults;
  clock: Clock;
  sleep: Sleep;
  logger: Logger;
  meter: Meter;
  redact: (text: string) => string;
  timeZone: string;
  signal: AbortSignal;
  kind?: NoticeKind;
  /** Called each time when state has the new notice, and which channels accepted it. */
  onKept?: () => void;
}

/** The notice for all channels about databases that were put aside. */
export function noticeOf(aside: readonly SetAside[], nowMs: number): Notice {
  const names = aside.map(({ name }) => name);
  const lost = names.includes('state')
    ? 'Alerts start empty: those that still fire are sent again; those that resolved meanwhile are not, so compare the open alerts in this channel. Silences that were added at run time are lost.'
    : 'History starts empty; alerts keep their state.';
  return {
    name: 'bartizan-data-set-aside',
    title: 'Bartizan started again after damage',
    summary: `The database of ${names.join(' and ')} was damaged and has been put aside. ${lost}`,
    atMs: nowMs,
    overAtMs: nowMs + LASTS_MS,
  };
}

/** Sends a new notice, or one that a stop interrupted, to every channel. Resolves when each has accepted it. */
export async function runNotices(fresh: Notice | undefined, ports: NoticePorts): Promise<void> {
  const { counters, channels, faults, clock, sleep, logger, meter, signal, kind = DATA_SET_ASIDE } = ports;
  const known = (await counters.load(kind.key)) as KeptNotice | undefined;
  const notice: KeptNotice | undefined = fresh ? { ...fresh, taken: {} } : (known ?? undefined);
  if (!notice) return;
  const over = new Set<string>();

  function report(): void {
    const waiting = [...channels.keys()].filter((name) => !over.has(name) && !notice?.taken[name]);
    if (over.size === channels.size) faults.clear(kind.code);
    else
      faults.raise({
        kind: 'warning',
        code: kind.code,
        words: `${kind.words}; ${waiting.length === 0 ? 'every channel has the notice' : `${count(waiting.length, 'channel')} without the notice yet`}`,
        ...(waiting.length > 0 && { detail: some(waiting) }),
      });
  }

  async function deliver(name: string, channel: Channel, kept: KeptNotice): Promise<void> {
    let failures = 0;
    while (!signal.aborted && !over.has(name)) {
      const taken = kept.taken[name] ?? 0;
      const nowMs = clock.nowMs();
      const dueAtMs = taken === 0 ? kept.atMs : kept.overAtMs;
      if (taken >= 2 || nowMs - dueAtMs > GIVE_UP_MS) {
        if (taken < 2) {
          kept.taken[name] = 2;
          await keep(kept);
          meter.count('notices_failed_total', { channel: name });
          logger.error('notice given up: the channel did not take it', {
            notice: kept.name,
            channel: name,
          });
        }
        over.add(name);
        return report();
      }
      if (nowMs < dueAtMs) {
        await sleep(dueAtMs - nowMs, signal);
        continue;
      }
      const notification = noticeMessage({
        notice: kept,
        channel: name,
        resolved: taken === 1,
        nowMs,
        timeZone: ports.timeZone,
      });
      try {
        const timed = AbortSignal.any([signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
        await channel.send(notification, undefined, { signal: timed });
        failures = 0;
        kept.taken[name] = taken + 1;
        await keep(kept);
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        const detail = ports.redact(describeError(error));
        logger.warn('a notice was not delivered; it is tried again', { channel: name, detail });
        await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10)), signal);
      }
      report();
    }
  }

  async function keep(kept: KeptNotice): Promise<void> {
    try {
      await counters.save(kind.key, kept);
      if (fresh) ports.onKept?.();
    } catch (error) {
      logger.warn('the state of a notice was not stored', { error: describeError(error) });
    }
  }

  if (fresh) await keep(notice);
  report();
  await Promise.all([...channels].map(([name, channel]) => deliver(name, channel, notice)));
}

import { type CpuCounters, cpuRates } from './cpu-rates.ts';
import { namesText, type Reading } from './reading.ts';

/** Counters of one node at one probe; plain data, kept from round to round. */
export interface UsageCounters extends CpuCounters {
  /** Counters are comparable within one boot only. */
  boot: string;
  oomKills: number | undefined;
  /** Device, bytes received, bytes sent. */
  net: readonly (readonly [string, ...number[]])[];
  /** Device, sectors read, sectors written, milliseconds busy. */
  disk: readonly (readonly [string, ...number[]])[];
}

/** /proc/diskstats counts sectors of 512 bytes, whatever the device's are. */
const SECTOR_BYTES = 512;
/** A shorter interval is too coarse: cpu counters tick a hundred times a second. */
const MIN_SECONDS = 0.5;
/** 1 Tbit/s: more than any interface or disk carries. A counter that grew faster jumped. */
const MOST_BYTES_PER_SECOND = 125e9;
/** A kernel frees the memory of one process before it kills the next. */
const MOST_KILLS_PER_SECOND = 10_000;
/** The kernel rounds busy time to ticks, so a busy device may seem to have been busy for longer than there was. */
const BUSY_TOLERANCE = 1.1;
const BUSY_SLACK_MS = 100;

/** Whether rates may be taken between the two: same boot, later, not from too long ago. */
export function areComparable(before: UsageCounters, after: UsageCounters, maxSeconds: number): boolean {
  const seconds = after.uptimeSeconds - before.uptimeSeconds;
  return before.boot === after.boot && seconds >= MIN_SECONDS && seconds <= maxSeconds;
}

/**
 * Rates between two probes of a node in one boot; time is the node's own. A counter that went back (wrapped, reset, a
 * device swapped for another of its name) or grew by more than a machine can do yields nothing this time, with a note.
 */
export function computeRates(
  before: UsageCounters,
  after: UsageCounters,
): { readings: Reading[]; notes: string[] } {
  const seconds = after.uptimeSeconds - before.uptimeSeconds;
  const { readings, notes } = cpuRates(before, after, seconds);

  if (before.oomKills !== undefined && after.oomKills !== undefined) {
    const value = after.oomKills - before.oomKills;
    if (value < 0) notes.push('count of OOM kills went back');
    else if (value > seconds * MOST_KILLS_PER_SECOND) notes.push('count of OOM kills jumped');
    else readings.push({ metric: 'oom_kills', labels: {}, value });
  }
  const odd = { back: [] as string[], jumped: [] as string[], busy: [] as string[] };
  for (const [device, received = 0, sent = 0] of grownSince(before.net, after.net)) {
    const labels = { device };
    if (Math.min(received, sent) < 0) odd.back.push(device);
    else if (Math.max(received, sent) > seconds * MOST_BYTES_PER_SECOND) odd.jumped.push(device);
    else {
      readings.push({ metric: 'net_rx', labels, value: received / seconds });
      readings.push({ metric: 'net_tx', labels, value: sent / seconds });
    }
  }
  for (const [device, read = 0, written = 0, busyMs = 0] of grownSince(before.disk, after.disk)) {
    const labels = { device };
    if (Math.min(read, written) < 0) odd.back.push(device);
    else if (Math.max(read, written) * SECTOR_BYTES > seconds * MOST_BYTES_PER_SECOND)
      odd.jumped.push(device);
    else {
      readings.push({ metric: 'disk_read', labels, value: (read * SECTOR_BYTES) / seconds });
      readings.push({ metric: 'disk_write', labels, value: (written * SECTOR_BYTES) / seconds });
      // Of 32 bits on every kernel, so it wraps while the others go on (iostats.rst, field 10).
      if (busyMs < 0 || busyMs > seconds * 1000 * BUSY_TOLERANCE + BUSY_SLACK_MS) odd.busy.push(device);
      else readings.push({ metric: 'disk_busy', labels, value: Math.min(100, busyMs / (seconds * 10)) });
    }
  }
  if (odd.back.length > 0) notes.push(`counters of ${namesText(odd.back)} went back`);
  if (odd.jumped.length > 0)
    notes.push(`counters of ${namesText(odd.jumped)} grew faster than any device can`);
  if (odd.busy.length > 0) notes.push(`busy time of ${namesText(odd.busy)} is not to be believed`);
  return { readings, notes };
}

/** Devices in both looks, with how much each counter grew. */
function* grownSince(before: UsageCounters['net'], after: UsageCounters['net']) {
  const earlier = new Map(before.map(([device, ...counters]) => [device, counters]));
  for (const [device, ...counters] of after) {
    const old = earlier.get(device);
    if (old === undefined) continue;
    yield [device, ...counters.map((counter, i) => counter - (old[i] ?? counter))] as [string, ...number[]];
  }
}

/** Whether what was kept from an earlier round, maybe by another release, has this shape. */
export function isUsageCounters(value: unknown): value is UsageCounters {
  const counters = value as Partial<Record<keyof UsageCounters, unknown>> | null | undefined;
  const isNumbers = (list: unknown) => Array.isArray(list) && list.every((item) => typeof item === 'number');
  const isDevices = (list: unknown) =>
    Array.isArray(list) &&
    list.every((row) => Array.isArray(row) && typeof row[0] === 'string' && isNumbers(row.slice(1)));
  return (
    typeof counters === 'object' &&
    counters !== null &&
    typeof counters.boot === 'string' &&
    typeof counters.uptimeSeconds === 'number' &&
    (counters.cpu === undefined || isNumbers(counters.cpu)) &&
    (counters.cores === undefined || typeof counters.cores === 'number') &&
    (counters.oomKills === undefined || typeof counters.oomKills === 'number') &&
    isDevices(counters.net) &&
    isDevices(counters.disk)
  );
}

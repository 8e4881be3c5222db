import type { Reading } from './reading.ts';

/** Counters of one node as of one look at it; plain data, kept from round to round. */
export interface UsageCounters {
  /** Counters are comparable within one boot only. */
  boot: string;
  uptimeSeconds: number;
  /** Ticks: user nice system idle iowait irq softirq steal, as many as the kernel has. */
  cpu: readonly number[] | undefined;
  oomKills: number | undefined;
  /** Device, bytes received, bytes sent. */
  net: readonly (readonly [string, ...number[]])[];
  /** Device, sectors read, sectors written, milliseconds busy. */
  disk: readonly (readonly [string, ...number[]])[];
}

/** /proc/diskstats counts sectors of 512 bytes, whatever the device's are. */
const SECTOR_BYTES = 512;
const [IDLE, IOWAIT, STEAL] = [3, 4, 7] as const;
/** A shorter look says little: counters of cpu tick a hundred times a second. */
const MIN_SECONDS = 0.5;

/** Whether rates may be taken between the two: same boot, later, not from too long ago. */
export function areComparable(before: UsageCounters, after: UsageCounters, maxSeconds: number): boolean {
  const seconds = after.uptimeSeconds - before.uptimeSeconds;
  return before.boot === after.boot && seconds >= MIN_SECONDS && seconds <= maxSeconds;
}

/**
 * Rates between two looks at a node in one boot; time is the node's own. A counter that went back (wrapped, reset, a
 * device swapped for another of its name) yields nothing this time.
 */
export function computeRates(
  before: UsageCounters,
  after: UsageCounters,
): { readings: Reading[]; notes: string[] } {
  const seconds = after.uptimeSeconds - before.uptimeSeconds;
  const notes: string[] = [];
  const readings: Reading[] = [];
  const add = (metric: string, value: number | undefined, labels = {}) => {
    if (value !== undefined) readings.push({ metric, labels, value });
  };

  const cpu = before.cpu && after.cpu && cpuShares(before.cpu, after.cpu);
  if (cpu === undefined) notes.push('no cpu rates');
  add('cpu_usage', cpu?.usage);
  add('cpu_iowait', cpu?.iowait);
  add('cpu_steal', cpu?.steal);

  if (before.oomKills !== undefined && after.oomKills !== undefined && after.oomKills >= before.oomKills) {
    add('oom_kills', after.oomKills - before.oomKills);
  }
  for (const [device, rx, tx] of grownSince(before.net, after.net, notes)) {
    add('net_rx', rx / seconds, { device });
    add('net_tx', tx / seconds, { device });
  }
  for (const [device, read, written, busyMs] of grownSince(before.disk, after.disk, notes)) {
    add('disk_read', (read * SECTOR_BYTES) / seconds, { device });
    add('disk_write', (written * SECTOR_BYTES) / seconds, { device });
    // The kernel rounds busy time to ticks, so a busy device may seem to have been busy for longer than there was.
    add('disk_busy', Math.min(100, busyMs / (seconds * 10)), { device });
  }
  return { readings, notes };
}

function cpuShares(before: readonly number[], after: readonly number[]) {
  // Idle and iowait may step back by some ticks on a real kernel (proc(5)); any other that does was reset.
  const grown = after.map((ticks, i) => {
    const delta = ticks - (before[i] ?? 0);
    return delta < 0 && (i === IDLE || i === IOWAIT) ? 0 : delta;
  });
  const total = grown.reduce((sum, delta) => sum + delta, 0);
  if (before.length !== after.length || total <= 0 || grown.some((delta) => delta < 0)) return undefined;
  const share = (i: number) => (grown[i] === undefined ? undefined : (100 * grown[i]) / total);
  return {
    usage: 100 - (share(IDLE) ?? 0) - (share(IOWAIT) ?? 0),
    iowait: share(IOWAIT),
    steal: share(STEAL),
  };
}

/** Devices in both looks, with how much each counter grew; without those of which one went back. */
function* grownSince(
  before: UsageCounters['net'],
  after: UsageCounters['net'],
  notes: string[],
): Generator<[device: string, first: number, second: number, third: number]> {
  const earlier = new Map(before.map(([device, ...counters]) => [device, counters]));
  for (const [device, ...counters] of after) {
    const old = earlier.get(device);
    if (old === undefined) continue;
    const [first = 0, second = 0, third = 0] = counters.map((counter, i) => counter - (old[i] ?? counter));
    if (Math.min(first, second, third) < 0) notes.push(`counters of ${device} went back`);
    else yield [device, first, second, third];
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
    (counters.oomKills === undefined || typeof counters.oomKills === 'number') &&
    isDevices(counters.net) &&
    isDevices(counters.disk)
  );
}

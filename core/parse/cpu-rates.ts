import type { Reading } from './reading.ts';

/** The processors of one node at one probe. */
export interface CpuCounters {
  uptimeSeconds: number;
  /** Ticks: user nice system idle iowait irq softirq steal, as many as the kernel has. */
  cpu: readonly number[] | undefined;
  /** Online; undefined where it is not known, as in what an earlier release kept. */
  cores?: number | undefined;
}

const COLUMNS = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
const [IDLE, IOWAIT, STEAL] = [3, 4, 7] as const;
/** USER_HZ of every architecture that control planes run on (proc(5)). */
const TICKS_PER_SECOND = 100;
/** How much more than the time there was is believed: a node reads uptime and cpu time one after the other. */
const TOLERANCE = 1.1;
const SLACK_SECONDS = 0.5;

/**
 * Shares of cpu time between two probes `seconds` apart. What no machine can have done (a core that was plugged in or out
 * moves `idle` by all of its time; `steal` wraps) makes them unknown for this time. `iowait` and `steal` are wrong for good
 * on some kernels: a fall of one leaves out that one alone.
 */
export function cpuRates(
  before: CpuCounters,
  after: CpuCounters,
  seconds: number,
): { readings: Reading[]; notes: string[] } {
  const unknown = (why?: string) => ({
    readings: [],
    notes: [why ? `no cpu rates: ${why}` : 'no cpu rates'],
  });
  const { cores } = after;
  if (!before.cpu || before.cpu.length !== after.cpu?.length) return unknown();
  if (!cores) return unknown('the number of cores is not known');
  if (before.cores !== undefined && before.cores !== cores) {
    return unknown(`cores went from ${before.cores} to ${cores}`);
  }
  const slack = cores * SLACK_SECONDS * TICKS_PER_SECOND;
  const most = cores * seconds * TICKS_PER_SECOND * TOLERANCE + slack;
  const notes: string[] = [];
  const grown = after.cpu.map((ticks, i) => ticks - (before.cpu?.[i] ?? 0));
  const [idle = 0, iowait = 0, steal = 0] = [grown[IDLE], grown[IOWAIT], grown[STEAL]];

  const noSteal = whyNoSteal(before, after);
  if (noSteal !== undefined) notes.push(`steal ${noSteal}: cpu_usage without it`);
  // Time of a core that waits for I/O may be counted as idle after all: one falls by what the other grows (proc(5)).
  const waiting = idle + iowait;
  const busy = grown.filter((_, i) => i !== IDLE && i !== IOWAIT && i !== STEAL);
  const stolen = noSteal === undefined ? steal : 0;

  if (waiting < -slack) return unknown('idle went back');
  const back = grown.findIndex((ticks, i) => i !== IDLE && i !== IOWAIT && i !== STEAL && ticks < -slack);
  if (back >= 0) return unknown(`${COLUMNS[back]} went back`);
  const sum = busy.reduce((all, ticks) => all + Math.max(0, ticks), 0) + stolen;
  const total = sum + Math.max(0, waiting);
  if (total > most) {
    const column = grown.findIndex((ticks, i) => ticks > most && !(i === STEAL && noSteal !== undefined));
    return unknown(
      `${COLUMNS[column] ?? 'they'} grew by more than ${cores} cores have in ${Math.round(seconds)} s`,
    );
  }
  // Less than half: a core took its idle time with it, or the whole machine stood still.
  const covers = total / TICKS_PER_SECOND / cores;
  if (total <= 0 || (noSteal === undefined && covers < seconds / 2 - SLACK_SECONDS)) {
    return unknown(`they account for ${Math.round(covers)} of ${Math.round(seconds)} s`);
  }
  const readings: Reading[] = [{ metric: 'cpu_usage', labels: {}, value: percent(sum, total) }];
  if (after.cpu.length > IOWAIT) {
    if (idle < 0 || iowait < 0) notes.push(`${iowait < 0 ? 'iowait' : 'idle'} went back: no cpu_iowait`);
    else readings.push({ metric: 'cpu_iowait', labels: {}, value: percent(iowait, total) });
  }
  if (after.cpu.length > STEAL && noSteal === undefined) {
    readings.push({ metric: 'cpu_steal', labels: {}, value: percent(steal, total) });
  }
  return { readings, notes };
}

/** Why `steal` cannot be used, undefined if it can. One that has just jumped can: then nothing is known this time. */
function whyNoSteal(before: CpuCounters, after: CpuCounters): string | undefined {
  const [earlier = 0, now = 0] = [before.cpu?.[STEAL], after.cpu?.[STEAL]];
  if (now < earlier) return 'went back';
  const isMoreThanTime = (ticks: number, { uptimeSeconds }: CpuCounters) =>
    ticks > (after.cores ?? 0) * (uptimeSeconds * TOLERANCE + SLACK_SECONDS) * TICKS_PER_SECOND;
  const always = isMoreThanTime(earlier, before) && isMoreThanTime(now, after);
  return always ? 'is more than the time since boot' : undefined;
}

function percent(part: number, total: number): number {
  return Math.min(100, (100 * part) / total);
}

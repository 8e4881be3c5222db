import { parseFileSystems } from './file-systems.ts';
import type { UsageCounters } from './rates.ts';
import { findFrame, isName, MAX_DEVICES, parseNumber, type Reading } from './reading.ts';

export interface UsageOutput {
  levels: Reading[];
  /** Absent where the node does not say which boot they belong to. */
  counters: UsageCounters | undefined;
  /** The node's clock. */
  clockMs: number | undefined;
  /** What the node lacks or what was garbage, for people. */
  notes: string[];
}

/** 2000-01-01 and 2100-01-01: a clock outside is garbage. */
const CLOCK_SECONDS = [946_684_800, 4_102_444_800] as const;

/**
 * Reads what the script `usage 1` printed. What is missing or garbage is absent and noted, never zero.
 * Undefined if the output as a whole is not there: no script ran, or it was cut off.
 */
export function parseUsage(output: string): UsageOutput | undefined {
  const frame = findFrame(output, 'usage 1');
  if (frame === undefined) return undefined;
  const orEnd = (index: number) => (index < 0 ? frame.length : index);
  const clockAt = orEnd(frame.findLastIndex((line) => line.startsWith('clock ')));
  const blocksAt = Math.min(orEnd(frame.indexOf('@blocks')), clockAt);
  const inodesAt = Math.min(orEnd(frame.indexOf('@inodes')), clockAt);
  const facts = [...frame.slice(0, blocksAt), ...frame.slice(clockAt)];
  const words = facts.map((line) => line.trim().split(/\s+/, 16));
  const notes: string[] = [];
  const levels = [...readLevels(words, notes)];
  const disks = parseFileSystems(frame.slice(blocksAt + 1, inodesAt), frame.slice(inodesAt + 1, clockAt));
  levels.push(...disks.readings);
  notes.push(...disks.notes);
  if (disks.readings.length === 0) notes.push('no file systems: none is local, or df did not end in time');
  return { levels, counters: readCounters(words, notes), clockMs: readClock(words, notes), notes };
}

type Words = readonly (readonly string[])[];

function* readLevels(words: Words, notes: string[]): Generator<Reading> {
  const find = (name: string, key?: string) =>
    words.find((line) => line[0] === name && (key === undefined || line[1] === key));
  const level = (metric: string, value: number | undefined, what: string, max = Number.MAX_VALUE) => {
    if (value !== undefined && value <= max) return [{ metric, labels: {}, value }];
    notes.push(`no ${what}`);
    return [];
  };

  yield* level('uptime', parseNumber(find('uptime')?.[1]), 'uptime');
  yield* level('processes', parseNumber(find('processes')?.[1]), 'process count');
  const load = find('load');
  yield* level('load1', parseNumber(load?.[1]), 'load1');
  yield* level('load5', parseNumber(load?.[2]), 'load5');
  yield* level('load15', parseNumber(load?.[3]), 'load15');
  const cores = parseNumber(find('cores')?.[1]);
  yield* level('cores', cores || undefined, 'cores');
  const load1 = parseNumber(load?.[1]);
  if (load1 !== undefined && cores) yield { metric: 'load_per_core', labels: {}, value: load1 / cores };

  const memory = (name: string) => parseNumber(find('memory', `${name}:`)?.[2]);
  const total = memory('MemTotal') || undefined;
  yield* level('mem_total', total && total * 1024, 'MemTotal');
  yield* level('mem_usage', usedShare(total, memory('MemAvailable')), 'memory usage');
  const swapTotal = memory('SwapTotal');
  // Without swap there is no usage of it; that needs no note.
  if (swapTotal !== 0) yield* level('swap_usage', usedShare(swapTotal, memory('SwapFree')), 'swap usage');

  for (const [metric, kind] of [
    ['psi_cpu', 'cpu'],
    ['psi_mem', 'memory'],
    ['psi_io', 'io'],
  ] as const) {
    const average = find('pressure', kind)?.find((word) => word.startsWith('avg60='));
    yield* level(metric, parseNumber(average?.slice('avg60='.length)), `pressure of ${kind}`, 100);
  }
}

/** Percent in use, of a total and what is left of it. */
function usedShare(total: number | undefined, left: number | undefined): number | undefined {
  if (!total || left === undefined || left > total) return undefined;
  return 100 * (1 - left / total);
}

function readCounters(words: Words, notes: string[]): UsageCounters | undefined {
  const first = (name: string) => words.find((line) => line[0] === name)?.slice(1) ?? [];
  const [boot = ''] = first('boot');
  const uptimeSeconds = parseNumber(first('uptime')[0]);
  if (!/^[0-9a-f-]{8,64}$/.test(boot) || uptimeSeconds === undefined) {
    notes.push('no boot id or uptime: no rates');
    return undefined;
  }
  // user nice system idle iowait irq softirq steal; the two of guests behind are part of user and nice.
  const cpu = first('cpu').slice(0, 8).map(parseNumber);
  const oomKills = parseNumber(first('oom_kill')[0]);
  if (oomKills === undefined) notes.push('no count of OOM kills');
  return {
    boot,
    uptimeSeconds,
    cpu: cpu.length >= 4 && cpu.every((ticks) => ticks !== undefined) ? cpu : undefined,
    oomKills,
    net: readDevices(words, 'net', 2, notes),
    disk: withoutPartitions(readDevices(words, 'disk', 3, notes)),
  };
}

type DeviceCounters = [device: string, ...counters: number[]];

function readDevices(words: Words, kind: string, columns: number, notes: string[]): DeviceCounters[] {
  const devices = new Map<string, DeviceCounters>();
  let dropped = 0;
  for (const [word, device = '', ...rest] of words) {
    if (word !== kind) continue;
    const counters = rest
      .slice(0, columns)
      .map(parseNumber)
      .filter((value) => value !== undefined);
    if (counters.length < columns || !isName(device, 64) || devices.size >= MAX_DEVICES) dropped++;
    else devices.set(device, [device, ...counters]);
  }
  if (dropped > 0) notes.push(`${kind}: ${dropped} devices left out`);
  return [...devices.values()];
}

/** `sda1` counts again what `sda` counted, `nvme0n1p1` what `nvme0n1` did. Xen's `xvda1` may have no whole disk. */
function withoutPartitions(disks: DeviceCounters[]): DeviceCounters[] {
  const names = new Set(disks.map(([name]) => name));
  return disks.filter(([name]) => {
    const whole = /^(.*\d)p\d+$/.exec(name)?.[1] ?? /^(.*\D)\d+$/.exec(name)?.[1];
    return whole === undefined || !names.has(whole);
  });
}

function readClock(words: Words, notes: string[]): number | undefined {
  const text = words.find((line) => line[0] === 'clock')?.[1] ?? '';
  const [seconds = '', fraction = ''] = text.split('.');
  const whole = parseNumber(seconds);
  if (whole === undefined || whole < CLOCK_SECONDS[0] || whole > CLOCK_SECONDS[1]) {
    notes.push('no clock');
    return undefined;
  }
  // A date without %N knows whole seconds only: the middle of that second is the best guess.
  const fine = /^\d{1,9}$/.test(fraction);
  if (!fine) notes.push('clock in whole seconds only');
  const part = fine ? Number(`0.${fraction}`) : 0.5;
  return (whole + part) * 1000;
}

import { cutText, visibleLine } from '../text/visible-line.ts';
import { parseFileSystems } from './file-systems.ts';
import type { UsageCounters } from './rates.ts';
import { findFrame, isName, MAX_DEVICES, namesText, parseNumber, type Reading } from './reading.ts';

export interface UsageOutput {
  levels: Reading[];
  /** Absent where the node does not print its boot id. */
  counters: UsageCounters | undefined;
  /** Whether a process listens on the address and port of this session; undefined: the node does not print it. */
  listens: boolean | undefined;
  /** The node's clock. */
  clockMs: number | undefined;
  /** What the node lacks or what was garbage, for people. */
  notes: string[];
}

/** 2000-01-01 and 2100-01-01: a clock outside is garbage. */
const CLOCK_SECONDS = [946_684_800, 4_102_444_800] as const;

/** No level of a machine is greater: uptime is less than a century, processes, load and cores less than 2^22. */
const MOST = 2 ** 53;
const MOST_UPTIME_SECONDS = 3_155_760_000;
const MOST_PROCESSES = 2 ** 22;

/** Most lines in front of the mounts that are read. A node prints some for each device; no machine has so many. */
const MAX_FACTS = 10_000;

/**
 * Reads what the script `usage 2` printed. What is missing or garbage is absent and noted, never zero.
 * Undefined if the output as a whole is not there: no script ran, or it was cut off.
 */
export function parseUsage(output: string): UsageOutput | undefined {
  const frame = findFrame(output, 'usage 2');
  if (frame === undefined) return undefined;
  const orEnd = (index: number) => (index < 0 ? frame.length : index);
  const clockAt = orEnd(frame.findLastIndex((line) => line.startsWith('clock ')));
  const mountsAt = Math.min(
    orEnd(frame.findIndex((line) => line === '@mounts' || line === '@blocks')),
    clockAt,
  );
  const facts = [
    ...frame.slice(0, Math.min(mountsAt, MAX_FACTS)),
    ...frame.slice(clockAt, clockAt + MAX_FACTS),
  ];
  const lines = facts.map((line) => line.trim().split(/\s+/, 16));
  const notes: string[] = mountsAt > MAX_FACTS ? [`${mountsAt - MAX_FACTS} lines too many`] : [];
  const levels = [...readLevels(lines, notes)];
  const disks = parseFileSystems(frame.slice(mountsAt, clockAt));
  levels.push(...disks.readings);
  notes.push(...disks.notes);
  const [, listens] = lines.find(([field]) => field === 'listens') ?? [];
  return {
    levels,
    counters: readCounters(lines, notes),
    listens: listens === '1' || listens === '0' ? listens === '1' : undefined,
    clockMs: readClock(lines, notes),
    notes,
  };
}

type Lines = readonly (readonly string[])[];

function* readLevels(lines: Lines, notes: string[]): Generator<Reading> {
  const find = (name: string, key?: string) =>
    lines.find((line) => line[0] === name && (key === undefined || line[1] === key));
  const level = (metric: string, value: number | undefined, what: string, max = MOST) => {
    if (value !== undefined && value <= max) return [{ metric, labels: {}, value }];
    notes.push(`no ${what}`);
    return [];
  };

  yield* level('uptime', parseNumber(find('uptime')?.[1]), 'uptime', MOST_UPTIME_SECONDS);
  yield* level('processes', parseNumber(find('processes')?.[1]), 'process count', MOST_PROCESSES);
  const load = find('load');
  yield* level('load1', parseNumber(load?.[1]), 'load1', MOST_PROCESSES);
  yield* level('load5', parseNumber(load?.[2]), 'load5', MOST_PROCESSES);
  yield* level('load15', parseNumber(load?.[3]), 'load15', MOST_PROCESSES);
  const cores = parseNumber(find('cores')?.[1]);
  yield* level('cores', cores || undefined, 'cores', MOST_PROCESSES);
  const load1 = parseNumber(load?.[1]);
  if (load1 !== undefined && load1 <= MOST_PROCESSES && cores && cores <= MOST_PROCESSES)
    yield { metric: 'load_per_core', labels: {}, value: load1 / cores };

  const memory = (name: string) => parseNumber(find('memory', `${name}:`)?.[2]);
  const total = memory('MemTotal') || undefined;
  yield* level('mem_total', total && total * 1024, 'MemTotal');
  let available = memory('MemAvailable');
  if (available === undefined) {
    available = estimateAvailable(memory);
    if (available !== undefined) notes.push('no MemAvailable: memory usage is estimated');
  }
  yield* level('mem_usage', usedShare(total, available), 'memory usage');
  const swapTotal = memory('SwapTotal');
  // Without swap there is no usage of it; that needs no note.
  if (swapTotal !== 0) yield* level('swap_usage', usedShare(swapTotal, memory('SwapFree')), 'swap usage');

  for (const [metric, kind] of [
    ['psi_cpu', 'cpu'],
    ['psi_mem', 'memory'],
    ['psi_io', 'io'],
  ] as const) {
    const average = find('pressure', kind)?.find((field) => field.startsWith('avg60='));
    yield* level(metric, parseNumber(average?.slice('avg60='.length)), `pressure of ${kind}`, 100);
  }
}

/**
 * Kernels before 3.14 do not print what is available: what is free, and what the kernel gives back when asked. Files in
 * memory alone (`Shmem`) are counted as cached and cannot be given back.
 */
function estimateAvailable(memory: (name: string) => number | undefined): number | undefined {
  const [free, cached] = [memory('MemFree'), memory('Cached')];
  if (free === undefined || cached === undefined) return undefined;
  const others = (memory('Buffers') ?? 0) + (memory('SReclaimable') ?? 0) - (memory('Shmem') ?? 0);
  return Math.max(0, free + cached + others);
}

/** Percent in use, of a total and what is left of it. */
function usedShare(total: number | undefined, left: number | undefined): number | undefined {
  if (!total || left === undefined || left > total) return undefined;
  return 100 * (1 - left / total);
}

function readCounters(lines: Lines, notes: string[]): UsageCounters | undefined {
  const first = (name: string) => lines.find((line) => line[0] === name)?.slice(1) ?? [];
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
    cores: parseNumber(first('cores')[0]),
    oomKills,
    net: readDevices(lines, 'net', 2, notes),
    disk: withoutPartitions(readDevices(lines, 'disk', 3, notes)),
  };
}

type DeviceCounters = [device: string, ...counters: number[]];

function readDevices(lines: Lines, kind: string, columns: number, notes: string[]): DeviceCounters[] {
  const devices = new Map<string, DeviceCounters>();
  const dropped: string[] = [];
  for (const [field, device = '', ...rest] of lines) {
    if (field !== kind) continue;
    const counters = rest
      .slice(0, columns)
      .map(parseNumber)
      .filter((value) => value !== undefined);
    if (counters.length < columns || !isName(device, 64) || devices.size >= MAX_DEVICES)
      dropped.push(cutText(visibleLine(device.slice(0, 100)), 20));
    else devices.set(device, [device, ...counters]);
  }
  if (dropped.length > 0) notes.push(`${kind}: ${dropped.length} devices left out: ${namesText(dropped)}`);
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

function readClock(lines: Lines, notes: string[]): number | undefined {
  const text = lines.find((line) => line[0] === 'clock')?.[1] ?? '';
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

/** A node of the demo fleet at a time, as the files that the probe script reads. Pure: same input, same files. */
export interface NodeModel {
  name: string;
  /** Makes nodes differ: noise, boot id, sizes. */
  seed: number;
  /** The percentage of used memory at `sinceStartMs`. */
  memory: (sinceStartMs: number) => number;
}

const CORES = 4;
const MEMORY_KIB = 16 * 1024 * 1024;
const UPTIME_AT_START_S = 40 * 86_400;
const DISK_KIB = 80 * 1024 * 1024;

/** Deterministic noise between -1 and 1 that changes smoothly with time. */
export function noise(seed: number, ms: number): number {
  const s = ms / 1000;
  return (
    (Math.sin(s / 7 + seed) + Math.sin(s / 3.1 + seed * 2.7) * 0.6 + Math.sin(s / 1.3 + seed * 5.1) * 0.3) /
    1.9
  );
}

/** Path below the root → content. Counters only grow. */
export function nodeFiles(model: NodeModel, sinceStartMs: number): Record<string, string> {
  const { seed } = model;
  const s = sinceStartMs / 1000;
  const uptime = UPTIME_AT_START_S + seed * 1000 + s;
  const kind = seed % 10;
  const busy = 0.25 + kind * 0.03;
  const load = 1 + seed * 0.2 + noise(seed, sinceStartMs) * 0.3;
  const availableKib = Math.round(MEMORY_KIB * (1 - model.memory(sinceStartMs) / 100));
  const diskUsedKib = Math.round(DISK_KIB * (0.35 + kind * 0.04 + s * 1e-6));
  const bytes = (perSecond: number) => Math.round(perSecond * (uptime + 2 * Math.sin(s / 5 + seed)));
  return {
    'proc/1/comm': 'systemd\n',
    'proc/sys/kernel/random/boot_id': `00000000-0000-4000-8000-${String(seed).padStart(12, '0')}\n`,
    'proc/uptime': `${uptime.toFixed(2)} ${(uptime * CORES * (1 - busy)).toFixed(2)}\n`,
    'proc/loadavg': `${load.toFixed(2)} ${(load * 0.95).toFixed(2)} ${(load * 0.9).toFixed(2)} 2/412 9${seed}01\n`,
    'proc/stat': cpuStat(uptime, busy, seed, s),
    'proc/meminfo': `MemTotal:       ${MEMORY_KIB} kB\nMemFree:        ${Math.round(availableKib * 0.4)} kB\nMemAvailable:   ${availableKib} kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n`,
    'proc/vmstat': 'pgpgin 1000\noom_kill 0\n',
    'proc/net/dev': `Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: 1000 10 0 0 0 0 0 0 1000 10 0 0 0 0 0 0\n  eth0: ${bytes(250_000)} 100 0 0 0 0 0 0 ${bytes(400_000)} 100 0 0 0 0 0 0\n`,
    'proc/diskstats': `   8       0 sda ${Math.round(uptime * 2)} 0 ${Math.round(bytes(40_000) / 512)} 100 ${Math.round(uptime * 9)} 0 ${Math.round(bytes(600_000) / 512)} 200 0 ${Math.round(uptime * 30)} 300\n`,
    'proc/pressure/cpu': pressure(0.8 + Math.max(0, noise(seed, sinceStartMs))),
    'proc/pressure/memory': pressure(Math.max(0, model.memory(sinceStartMs) - 85) / 3),
    'proc/pressure/io': pressure(0.2),
    'proc/filesystems': 'nodev\tproc\n\text4\n',
    'proc/self/mountinfo':
      '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n23 22 0:21 / /proc rw - proc proc rw\n',
    'df-k': `Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/sda1      ${DISK_KIB} ${diskUsedKib} ${DISK_KIB - diskUsedKib} ${Math.ceil((100 * diskUsedKib) / DISK_KIB)}% /\n`,
    'df-i':
      'Filesystem      Inodes  IUsed   IFree IUse% Mounted on\n/dev/sda1      5242880 310000 4932880    6% /\n',
  };
}

/** Programs that come before those of the system on the node's PATH. */
export const NODE_PROGRAMS: Readonly<Record<string, string>> = {
  'bin/df':
    '#!/bin/sh\n# df of a synthetic root: the values of the model.\ncase " $* " in *" -i "*) exec cat "$BARTIZAN_ROOT/df-i";; *) exec cat "$BARTIZAN_ROOT/df-k";; esac\n',
};

function cpuStat(uptime: number, busy: number, seed: number, s: number): string {
  // In ticks of 10 ms over all cores; the sine varies the rate, and is small enough to keep it positive.
  const ticks = uptime * 100 * CORES;
  const used = ticks * busy + 120 * Math.sin(s / 6 + seed);
  const row = [used * 0.7, 0, used * 0.25, ticks - used - ticks * 0.01, ticks * 0.01, 0, used * 0.05, 0, 0, 0]
    .map((value) => Math.round(value))
    .join(' ');
  const cores = Array.from({ length: CORES }, (_, i) => `cpu${i} ${row}`).join('\n');
  return `cpu  ${row}\n${cores}\nintr 1000\n`;
}

function pressure(avg60: number): string {
  return `some avg10=${avg60.toFixed(2)} avg60=${avg60.toFixed(2)} avg300=0.10 total=1000\n`;
}

/** Memory around a level, for the other nodes. */
export function steadyMemory(level: number, seed: number): NodeModel['memory'] {
  return (ms) => level + noise(seed, ms) * 1.5;
}

/** Memory that climbs to 94 percent, stays, and recovers. Times are since the start. */
export function climbingMemory(
  times: { climbMs: number; topMs: number; fallMs: number; endMs: number },
  seed: number,
): NodeModel['memory'] {
  const level = (ms: number) => {
    if (ms < times.climbMs || ms >= times.endMs) return 62;
    if (ms < times.topMs) return 62 + (32 * (ms - times.climbMs)) / (times.topMs - times.climbMs);
    if (ms < times.fallMs) return 94;
    return 94 - (32 * (ms - times.fallMs)) / (times.endMs - times.fallMs);
  };
  return (ms) => level(ms) + noise(seed, ms);
}

// What the usage script prints on an ordinary node: three mounts, two interfaces, two disks. Other light nodes have none of these.

/** Mount, used percent, device. */
export const MOUNTS = [
  ['/', 31, '/dev/vda'],
  ['/var', 54, '/dev/vdb'],
  ['/var/lib/etcd', 12, '/dev/vdc'],
] as const;

/** Output `n` intervals of ten seconds after the first one; counters grow steadily, levels move a little. */
export function fullNodeOutput(n: number): string {
  const step = Math.floor(n) % 7;
  const blocks = MOUNTS.map(([mount, percent, device]) => {
    const used = percent * 2_000_000 + step * 4_000;
    return `${device}  200000000 ${used} ${200_000_000 - used} ${percent}% ${mount}`;
  });
  const inodes = MOUNTS.map(
    ([mount, percent, device]) =>
      `${device}  16000000 ${percent * 40_000 + step} ${16_000_000 - percent * 40_000 - step} ${percent}% ${mount}`,
  );
  const pressure = ['cpu', 'memory', 'io'].map(
    (kind) =>
      `pressure ${kind} some avg10=0.00 avg60=${(step / 7).toFixed(2)} avg300=0.10 total=${n * 1_000}`,
  );
  return [
    '',
    '@bartizan begin usage 2',
    `processes ${150 + step}`,
    ...pressure,
    'boot 0b6f3b1e-5a5c-4c7e-9d2f-6a1e0c9b7d10',
    `uptime ${(1_000 + n * 10).toFixed(2)} 0`,
    `load ${(0.4 + step / 10).toFixed(2)} 0.94 0.74 ${1 + step}/152 29861`,
    `cpu  ${n * 300} 10 ${n * 150} ${n * 3_000} ${n * 5} 5 15 20 0 0`,
    'cores 4',
    'memory MemTotal:       16000000 kB',
    `memory MemAvailable:   ${9_000_000 + step * 10_000} kB`,
    'memory SwapTotal:      400000 kB',
    'memory SwapFree:       300000 kB',
    'oom_kill 0',
    `net eth0 ${n * 500_000} ${n * 300_000}`,
    `net eth1 ${n * 100_000} ${n * 90_000}`,
    `disk vda ${n * 20_000} ${n * 30_000} ${n * 40}`,
    `disk vdb ${n * 1_000} ${n * 2_000} ${n * 3}`,
    '@mounts',
    ...MOUNTS.map(([mount]) => mount),
    '',
    '@blocks',
    'Filesystem     1024-blocks     Used Available Capacity Mounted on',
    ...blocks,
    '@inodes',
    'Filesystem       Inodes  IUsed    IFree IUse% Mounted on',
    ...inodes,
    '',
    `clock ${(Date.now() / 1000).toFixed(3)}`,
    '@bartizan end',
    '',
  ].join('\n');
}

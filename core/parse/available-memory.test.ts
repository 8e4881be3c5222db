import { expect, it } from 'vitest';
import { parseUsage } from './usage-output.ts';

it.each([
  ['all the kernel gives back', 'MemFree 100, Buffers 20, Cached 180, SReclaimable 50, Shmem 100', 75],
  ['as much as an old kernel tells', 'MemFree 100, Cached 150', 75],
  ['more in files in memory than there is', 'MemFree 10, Cached 10, Shmem 500', 100],
  ['too little to tell', 'MemFree 100, Buffers 20', undefined],
])('memory usage before Linux 3.14 is estimated: %s', (_, known, usage) => {
  const lines = `MemTotal 1000, ${known}`.split(', ').map((line) => `memory ${line.replace(' ', ': ')} kB\n`);
  const output = parseUsage(`@bartizan begin usage 2\n${lines.join('')}@bartizan end\n`);
  expect(output?.levels.find(({ metric }) => metric === 'mem_usage')?.value).toBe(usage);
  const note = usage === undefined ? 'no memory usage' : 'no MemAvailable: memory usage is estimated';
  expect(output?.notes).toContain(note);
});

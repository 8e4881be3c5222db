// What the kernel says of a process.
import { readFileSync } from 'node:fs';

export interface ProcessMemory {
  residentMb: number;
  peakMb: number;
}

export function memoryOf(pid: number | undefined): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { residentMb: mb('VmRSS'), peakMb: mb('VmHWM') };
}

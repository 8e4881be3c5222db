import { readFileSync } from 'node:fs';

const EVERY_MS = 250;
const MB = 1024 ** 2;

/**
 * Calls `onTooMuch` once a process takes more resident memory; returns what ends the watch. V8's limit of the heap does not count what
 * lies outside of it, as typed arrays do. Only Linux says what another process takes: elsewhere nothing is watched.
 */
export function watchMemory(
  pid: number,
  { mostMb, onTooMuch }: { mostMb: number; onTooMuch: () => void },
): () => void {
  const timer = setInterval(() => {
    const bytes = residentBytes(pid);
    if (bytes !== undefined && bytes <= mostMb * MB) return;
    clearInterval(timer);
    if (bytes !== undefined) onTooMuch();
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Undefined where the process has ended, or the system does not say. */
function residentBytes(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

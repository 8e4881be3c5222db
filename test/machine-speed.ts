// Measures how slow this machine is now. A limit in a test is virtual (`virtual-time.ts`), counts CPU time, or is
// scaled by this one factor.

/** The wall time of `work` on a quiet core of an AMD EPYC. */
const QUIET_MS = 9;
/**
 * A slow moment counts for this long: a limit that a test checks is not tighter than the deadlines that it set before.
 */
const REMEMBERED_MS = 300_000;
const MEASURED_EVERY_MS = 2_000;

let measurements: { atMs: number; factor: number }[] = [];

/** Takes several time slices of the scheduler, so that other processes run in between. */
function work(): number {
  let x = 1;
  for (let i = 0; i < 8_000_000; i++) x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
  return x;
}

function measure(): number {
  const startMs = performance.now();
  work();
  return (performance.now() - startMs) / QUIET_MS;
}

/**
 * How many times longer work takes here than on a quiet machine, at least 1: the slowest measurement of the last
 * minutes. Each call measures again, so that later load counts.
 */
export function slowness(): number {
  const nowMs = performance.now();
  // The first run includes its compilation.
  if (measurements.length === 0) work();
  if (nowMs - (measurements.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) > MEASURED_EVERY_MS) {
    measurements = measurements.filter(({ atMs }) => nowMs - atMs < REMEMBERED_MS);
    measurements.push({ atMs: nowMs, factor: measure() });
  }
  return Math.max(1, ...measurements.map(({ factor }) => factor));
}

/** A limit in real time, given for a quiet machine. */
export function scaledMs(ms: number): number {
  return Math.ceil(ms * slowness());
}

/** The CPU time that this thread spends on `work`, which load does not change. Exact to about ten milliseconds. */
export function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

// How long a function probes a batch, from what was measured of one node: nobody here has a node a hundred milliseconds
// away, nor half a core of AWS. `wire.sshd.test.ts` holds bytes and round trips to what real OpenSSH takes.

/** Of a node, cold, through the connection to its bastion that the function kept; of OpenSSH 9.2 with Debian's settings. */
export const NODE = {
  /** From dialling to the last byte: messages that wait for an answer. */
  roundTrips: 9,
  /** What sshd and script take of their own time, nothing else going on. */
  ownMs: 170,
  /** CPU of ours on an AMD EPYC core, from the second batch of a process on; of the first it is a third more. */
  cpuMs: 3.3,
  /** At the bastion's port, thirty at a time: nested SSH, and how many segments of TCP they fill. */
  out: { bytes: 5_826, segments: 4.8 },
  in: { bytes: 4_400, segments: 4.2 },
} as const;

/** So much memory is one core: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const CORE_MB = 1_769;
/**
 * Reading the batch's counters, sending what was seen, writing audit and counters, the audit's head, one after the other:
 * an assumption, of the milliseconds that such calls take within a region.
 */
const AWS_CALLS = { count: 5, ms: 15 };

export interface BatchTime {
  nodes: number;
  /** Nodes at once. */
  concurrency: number;
  /** Between the function and the bastion's nodes. */
  rttMs: number;
  memoryMb: number;
}

/**
 * Milliseconds of a batch: so many at once wait for their servers, and share one processor in the order in which they need
 * it; each needs it after every answer. A round trip to the bastion comes before (`isAlive`).
 */
export function batchMs({ nodes, concurrency, rttMs, memoryMb }: BatchTime): number {
  const steps = Math.ceil(NODE.roundTrips);
  const waitMs = (NODE.roundTrips * rttMs + NODE.ownMs) / steps;
  const workMs = NODE.cpuMs / steps / Math.min(1, memoryMb / CORE_MB);
  let left = nodes;
  let freeMs = 0;
  let endMs = 0;
  // What is to be worked on, earliest first; every wait is the same, so that what is added is the latest.
  const answers: { atMs: number; step: number }[] = [];
  const begin = (nowMs: number) => {
    if (left-- > 0) answers.push({ atMs: nowMs + waitMs, step: 1 });
  };
  for (let i = 0; i < concurrency; i++) begin(0);
  for (let answer = answers.shift(); answer; answer = answers.shift()) {
    freeMs = Math.max(freeMs, answer.atMs) + workMs;
    endMs = freeMs;
    if (answer.step < steps) answers.push({ atMs: freeMs + waitMs, step: answer.step + 1 });
    else begin(freeMs);
  }
  return rttMs + endMs + AWS_CALLS.count * AWS_CALLS.ms;
}

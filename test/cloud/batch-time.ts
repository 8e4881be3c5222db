// Computes how long a function needs for a batch, from measurements of one node: this machine has no node a hundred
// milliseconds away, and no half a core of AWS. `wire.sshd.test.ts` compares bytes and round trips with real OpenSSH.

/**
 * One node, first login, through the connection to its bastion that the function kept. Measured with OpenSSH 9.2 and
 * the settings of Debian.
 */
export const NODE = {
  /** From connecting to the last byte: messages that wait for an answer. */
  roundTrips: 9,
  /** The time that sshd and the script need on an idle machine. */
  ownMs: 170,
  /** Our CPU time on an AMD EPYC core, from the second batch of a process on; the first batch needs a third more. */
  cpuMs: 3.3,
  /** Measured at the bastion's port, for thirty nodes at once: nested SSH, and its TCP segments. */
  out: { bytes: 5_826, segments: 4.8 },
  in: { bytes: 4_400, segments: 4.2 },
} as const;

/** This much memory gives one core: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const CORE_MB = 1_769;
/**
 * The calls read the batch's counters, send the observations, write audit, counters and the head of the audit, one
 * after the other. The time is an assumption for calls within a region.
 */
const AWS_CALLS = { count: 5, ms: 15 };

export interface BatchTime {
  nodes: number;
  /** How many nodes are probed at the same time. */
  concurrency: number;
  /** The round trip time between the function and the nodes of the bastion. */
  rttMs: number;
  memoryMb: number;
}

/**
 * The milliseconds of a batch: `concurrency` nodes at once wait for their servers and share one processor in the order
 * of their answers; each needs it after every answer. Before that comes a round trip to the bastion (`isAlive`).
 */
export function batchMs({ nodes, concurrency, rttMs, memoryMb }: BatchTime): number {
  const steps = Math.ceil(NODE.roundTrips);
  const waitMs = (NODE.roundTrips * rttMs + NODE.ownMs) / steps;
  const workMs = NODE.cpuMs / steps / Math.min(1, memoryMb / CORE_MB);
  let left = nodes;
  let freeMs = 0;
  let endMs = 0;
  // Answers in the order of their arrival. All waits are equal, so a new answer is always the last.
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

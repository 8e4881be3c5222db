// Computes how long a function needs for a batch, from measurements of one node: this machine has no node a hundred
// milliseconds away, and no half a core of AWS. `wire.sshd.test.ts` compares bytes and round trips with real OpenSSH.

import type { Watch } from './fleet.ts';
import type { Passed } from './relay.ts';

export interface NodeCost {
  /** From connecting to the last byte: messages that wait for an answer. */
  roundTrips: number;
  /** The time that sshd, the script and services need on an idle machine. */
  ownMs: number;
  /** Lines of the audit in a round. */
  accesses: number;
  /** Our CPU time on an AMD EPYC core, from the second batch of a process on; the first batch needs a third more. */
  cpuMs: number;
  /** Measured at the bastion's port, for thirty nodes at once: nested SSH, and its TCP segments. */
  out: Passed;
  in: Passed;
}

/**
 * One node, first login, through the connection to its bastion that the function kept. Measured with OpenSSH 9.2 and
 * the settings of Debian.
 */
export const NODE: NodeCost = {
  roundTrips: 9,
  ownMs: 170,
  accesses: 1,
  cpuMs: 3.3,
  out: { bytes: 5_826, segments: 4.8 },
  in: { bytes: 4_400, segments: 4.2 },
};

/**
 * The same node with the checks of the preset kubeadm that run each minute: API server and TLS through the bastion, etcd,
 * kubelet, scheduler and controller manager through the session. It takes 3.5 times the CPU of usage alone, measured side
 * by side. The hourly ones, certificates of files and ports, come to some 60 KB an hour.
 */
const KUBEADM_NODE: NodeCost = {
  roundTrips: 19,
  ownMs: 200,
  accesses: 6,
  cpuMs: 11.6,
  out: { bytes: 9_200, segments: 10.7 },
  in: { bytes: 21_900, segments: 19.5 },
};

export const NODE_COST: Readonly<Record<Watch, NodeCost>> = { usage: NODE, kubeadm: KUBEADM_NODE };

/** This much memory gives one core: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const CORE_MB = 1_769;
/**
 * The calls read the batch's counters, send the observations, write audit, counters and the head of the audit, one
 * after the other. The time is an assumption for calls within a region.
 */
const AWS_CALLS = { count: 5, ms: 15 };

export interface BatchTime {
  /** What a node needs. Default: usage alone. */
  node?: NodeCost;
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
export function batchMs({ node = NODE, nodes, concurrency, rttMs, memoryMb }: BatchTime): number {
  const steps = Math.ceil(node.roundTrips);
  const waitMs = (node.roundTrips * rttMs + node.ownMs) / steps;
  const workMs = node.cpuMs / steps / Math.min(1, memoryMb / CORE_MB);
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

import type { Batch } from './batch.ts';
import type { Sample } from './sample.ts';
import type { Target } from './target.ts';

export const FAILURES = [
  'unreachable', // refused, no route, no such name, channel open failed
  'forbidden', // the bastion's policy forbids the way to the node: nothing was learned about the node
  'timeout', // a phase's deadline passed; `phase` says which
  'penalty', // its sshd refuses the address we come from for a while: whether others could log in is unknown
  'auth', // the node or bastion refused our key
  'host-key', // a pinned key changed: refused
  'host-key-unknown', // nothing pinned: refused
  'protocol', // what speaks there is not SSH, or broke off
  'command', // the script ended with an error or was refused
  'output', // too much output, or nothing that can be understood
  'config', // a secret, certificate or key of the check cannot be used: nothing was asked
] as const;

export type FailureReason = (typeof FAILURES)[number];

/**
 * `connect`, `tls` and `request` are phases of a check that asks a service behind the tunnel: a connection to its port, a TLS
 * session, an answer. By then the way to the node, or the login there, has succeeded.
 */
export const PHASES = ['bastion', 'dial', 'handshake', 'exec', 'connect', 'tls', 'request'] as const;

export type ProbePhase = (typeof PHASES)[number];

export interface Failure {
  reason: FailureReason;
  phase: ProbePhase;
  /** One line, no secrets. */
  detail: string;
}

/** What one check saw on one target in one round. A failure is data, not an exception. */
export interface Observation {
  check: string;
  /** Kind of the check. Absent in messages of earlier releases: `usage`. */
  probe?: string;
  /** The check does not log in at the node, so it says nothing about `up`. */
  withoutLogin?: true;
  /** The bastion it was made through, where that is not the one of the batch. */
  through?: string;
  /** A bastion that works and does not reach the node, although that of `through` does. */
  missedBy?: string;
  target: Target;
  roundMs: number;
  /** Actual time the probe started, by our clock. */
  observedAtMs: number;
  durationMs: number;
  result:
    | {
        ok: true;
        samples: readonly Sample[];
        notes: readonly string[];
        /** It was seen over a session of before, and whether somebody could log in now is unknown. */
        login?: 'unknown';
        /** Something was hidden from the check or gave no answer: series that are missing are unknown, and not gone. */
        isPartial?: true;
      }
    | { ok: false; failure: Failure };
}

export type BastionOutcome = { ok: true } | { ok: false; failure: Failure };

/** Outcome of a batch. While the bastion fails there are no observations of its nodes: unknown, not down. */
export interface BatchObservation {
  batch: Batch;
  bastion: BastionOutcome;
  /**
   * How each bastion of the batch fared, where it has several: `bastion` then says whether one of them led to the nodes. Those
   * that were not tried are left out.
   */
  ways?: readonly { bastion: string; outcome: BastionOutcome }[];
  observations: readonly Observation[];
  /** Last values of slow checks, with the time of the round: see `SampleStore.repeat`. No evidence for rules. */
  repeats?: readonly Sample[];
}

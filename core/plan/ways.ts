// Which bastion of several leads to the nodes of a batch. Pure.

import type { Batch } from '../model/batch.ts';
import type { BastionOutcome, Failure, ProbePhase } from '../model/observation.ts';

export interface Way {
  bastion: string;
  outcome: BastionOutcome;
}

/** A bastion that failed is used again after it worked in so many rounds in a row, so that one that comes and goes is left alone. */
const ROUNDS_TO_RETURN = 2;

/** For each bastion that failed lately: in how many rounds since then it worked, without one in which it failed. */
export type FailedWays = Readonly<Record<string, number>>;

/** All bastions that lead to a target, or to those of a batch, in the order of the configuration. */
export function bastionsOf({
  bastion,
  otherBastions = [],
}: Pick<Batch, 'bastion' | 'otherBastions'>): string[] {
  return [bastion, ...otherBastions];
}

/** The bastions of a batch in the order in which it uses them: those that failed lately come last. */
export function orderWays(batch: Pick<Batch, 'bastion' | 'otherBastions'>, failed: FailedWays): string[] {
  const all = bastionsOf(batch);
  return [...all.filter((name) => !(name in failed)), ...all.filter((name) => name in failed)];
}

/** What is remembered after a round. A bastion that was not tried stays as it was. */
export function rememberWays(failed: FailedWays, ways: readonly Way[]): FailedWays {
  const next: Record<string, number> = { ...failed };
  for (const { bastion, outcome } of ways) {
    const rounds = next[bastion];
    if (!outcome.ok) next[bastion] = 0;
    else if (rounds !== undefined && rounds + 1 < ROUNDS_TO_RETURN) next[bastion] = rounds + 1;
    else delete next[bastion];
  }
  return next;
}

/** Reads what was remembered; anything else counts as nothing. */
export function readFailedWays(stored: unknown): FailedWays {
  const { version, failed } = (stored ?? {}) as { version?: unknown; failed?: unknown };
  if (version !== 1 || typeof failed !== 'object' || failed === null) return {};
  return Object.fromEntries(Object.entries(failed).filter(([, rounds]) => Number.isInteger(rounds)));
}

const BEFORE_LOGIN: ReadonlySet<ProbePhase> = new Set(['dial', 'handshake', 'exec']);

/**
 * Whether a failure of a check may be that of the network between bastion and node. A service that a check asks after it
 * has logged in is on the node's side of that network.
 */
export function mayBeTheWay({ reason, phase }: Failure, logsIn: boolean): boolean {
  if (phase === 'bastion' || (logsIn && !BEFORE_LOGIN.has(phase))) return false;
  return reason === 'unreachable' || reason === 'timeout' || reason === 'forbidden' || reason === 'protocol';
}

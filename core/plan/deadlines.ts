import type { Batch } from '../model/batch.ts';
import type { BastionConfig } from '../model/config.ts';

type Deadlines = BastionConfig['deadlines'];
type Span = Pick<Batch, 'roundMs' | 'intervalMs' | 'expiresAtMs'>;

/** Share of an interval for probing; the rest is for the bastion, for storing and for evaluation. */
const SHARE_OF_INTERVAL = 0.8;
const STEP_MS = 100;
/** A busy machine at either end needs so long: less would call nodes down that are up. */
const LEAST = { dialMs: 1_000, handshakeMs: 2_000 } as const;

/**
 * The deadlines of a node in a round: as configured; dial and handshake are shortened alike where a node that is silent in each
 * phase would keep its batch for longer than most of the interval: a round that is not over makes the next one be missed. Never
 * to less than what a phase needs on a busy machine. `execMs` is the last phase, and gets what `shareBudget` leaves of it.
 */
export function fitDeadlines(deadlines: Deadlines, batch: Span): Deadlines {
  const share = roomOf(batch) / budgetOf(deadlines);
  if (share >= 1) return deadlines;
  const shorten = (name: keyof typeof LEAST) =>
    Math.min(
      deadlines[name],
      Math.max(LEAST[name], Math.floor((deadlines[name] * share) / STEP_MS) * STEP_MS),
    );
  return { ...deadlines, dialMs: shorten('dialMs'), handshakeMs: shorten('handshakeMs') };
}

/** Share of the time of one bastion of several until it has let us in: the nodes behind the next one need the rest. */
const SHARE_OF_LOGIN = 0.5;
const LEAST_LOGIN_MS = 2_000;

/** The deadlines of a bastion that is one of several: a round tries the next one when it lets nobody in. */
export function fitLogin(deadlines: Deadlines, { roundMs, expiresAtMs, intervalMs }: Span): Deadlines {
  const roomMs = (intervalMs ?? expiresAtMs - roundMs) * SHARE_OF_LOGIN;
  return { ...deadlines, bastionMs: Math.min(deadlines.bastionMs, Math.max(LEAST_LOGIN_MS, roomMs)) };
}

/** What a check of a node may take in a round: each phase, and all that is left of its share. */
export interface CheckDeadlines extends Deadlines {
  leftMs: number;
}

/** A healthy node is done in less, also on a busy machine. */
const LEAST_BUDGET_MS = 2_000;

/**
 * Deadlines for the checks that a node gets in one round, one after the other: a function that returns those of the next.
 * Together they leave the node what one that is silent in each phase of each check needs, and no more than most of the
 * interval. Each of the `checks` gets an equal share of what is left, so that a silent service takes nothing from the checks after
 * it; a phase gets what is left of its check's share at most. `nowMs` never goes back.
 */
export function shareBudget(
  deadlines: Deadlines,
  batch: Span,
  nowMs: () => number,
  checks: number,
): () => CheckDeadlines {
  const longestMs = Math.max(LEAST_BUDGET_MS, Math.min(checks * budgetOf(deadlines), roomOf(batch)));
  const endMs = nowMs() + longestMs;
  let waiting = checks;
  return () => {
    const startMs = nowMs();
    const endOfCheckMs = startMs + (endMs - startMs) / waiting--;
    const left = (ms: number) => Math.max(1, Math.min(ms, Math.floor(endOfCheckMs - nowMs())));
    return {
      bastionMs: deadlines.bastionMs,
      get dialMs() {
        return left(deadlines.dialMs);
      },
      get handshakeMs() {
        return left(deadlines.handshakeMs);
      },
      get execMs() {
        return left(deadlines.execMs);
      },
      get leftMs() {
        return left(Number.POSITIVE_INFINITY);
      },
    };
  };
}

function roomOf({ roundMs, expiresAtMs, intervalMs = expiresAtMs - roundMs }: Span): number {
  return intervalMs * SHARE_OF_INTERVAL;
}

/** A session of before that is silent costs another dial. */
function budgetOf({ dialMs, handshakeMs, execMs }: Deadlines): number {
  return 2 * dialMs + handshakeMs + execMs;
}

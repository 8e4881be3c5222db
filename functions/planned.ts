import { z } from 'zod';
import { changeMark, type Files, isLater } from './marks.ts';

/** The round that was planned last. */
export const PLANNED_KEY = 'planned.json';

const plannedSchema = z.strictObject({
  roundMs: z.number(),
  /** The call that plans it, and when that call is done or dead; absent after all its messages are sent. */
  claim: z.strictObject({ by: z.string(), untilMs: z.number() }).optional(),
});

export interface Claim {
  roundMs: number;
  /** Differs between calls. */
  by: string;
  /** When the call ends at the latest. */
  untilMs: number;
}

/**
 * Whether this call plans the round. The schedule may start more often than rounds are due, a start may come twice, one
 * that failed comes again, and a late one comes after that of a newer round.
 */
export async function claimRound(
  bucket: Files,
  { roundMs, ...claim }: Claim,
  nowMs: number,
): Promise<boolean> {
  let isMine = false;
  await changeMark(bucket, PLANNED_KEY, plannedSchema, (last) => {
    // Our own write, whose answer was lost.
    isMine = last?.roundMs === roundMs && last.claim?.by === claim.by;
    if (isMine || isLater(last?.roundMs, roundMs, nowMs)) return undefined;
    if (last?.roundMs === roundMs && nowMs < (last.claim?.untilMs ?? Number.POSITIVE_INFINITY))
      return undefined;
    isMine = true;
    return { roundMs, claim };
  });
  return isMine;
}

/** Planned: not again. Or given up: the next start may plan it. */
export async function endClaim(
  bucket: Files,
  { roundMs, by }: Claim,
  end: 'planned' | 'given up',
): Promise<void> {
  await changeMark(bucket, PLANNED_KEY, plannedSchema, (last) => {
    if (last?.roundMs !== roundMs || last.claim?.by !== by) return undefined;
    return end === 'planned' ? { roundMs } : { roundMs, claim: { by, untilMs: 0 } };
  });
}

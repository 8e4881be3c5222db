/** What `GET /healthz` answers. */
export interface Health {
  status: 'ok' | 'failing';
  /** Why it fails, in words. */
  reasons: readonly string[];
  startedAt: string;
  lastRound: { scheduledAt: string; completedAt: string; durationMs: number } | null;
  roundsCompleted: number;
  roundsSkipped: number;
  /** Messages given up since the start. */
  deliveriesFailed: number;
}

export interface RoundRecord {
  roundMs: number;
  completedAtMs: number;
  durationMs: number;
  error?: string;
}

/** Rounds that may be missing before the process calls itself ill. */
const MISSING_ROUNDS = 3;

/** Healthy while rounds complete: none for three ticks, or a failed last one, is an illness. */
export function judgeHealth(input: {
  nowMs: number;
  startedAtMs: number;
  tickMs: number;
  last: RoundRecord | undefined;
  completed: number;
  skipped: number;
  failedDeliveries: number;
}): Health {
  const { nowMs, startedAtMs, tickMs, last } = input;
  const reasons: string[] = [];
  const sinceMs = nowMs - (last?.completedAtMs ?? startedAtMs);
  if (sinceMs > MISSING_ROUNDS * tickMs + tickMs) {
    reasons.push(
      `no round completed for ${Math.round(sinceMs / 1000)} s; one is due every ${tickMs / 1000} s`,
    );
  }
  if (last?.error !== undefined) reasons.push(`the last round failed: ${last.error}`);
  return {
    status: reasons.length === 0 ? 'ok' : 'failing',
    reasons,
    startedAt: new Date(startedAtMs).toISOString(),
    lastRound: last
      ? {
          scheduledAt: new Date(last.roundMs).toISOString(),
          completedAt: new Date(last.completedAtMs).toISOString(),
          durationMs: last.durationMs,
        }
      : null,
    roundsCompleted: input.completed,
    roundsSkipped: input.skipped,
    deliveriesFailed: input.failedDeliveries,
  };
}

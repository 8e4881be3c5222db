/** Ages of a login, in scheduled times of rounds: a clock that was set moves these by whole intervals only. */
export interface LoginAge {
  openedRoundMs: number;
  usedRoundMs: number;
  /** When a login or a listener check last proved that the server accepts logins. */
  provenRoundMs: number;
}

/**
 * Whether a kept login must be renewed in this round. It must if it would be older than `lifetimeMs` at its next use,
 * assuming that the next gap is as long as the last. A clock that was set back makes it due too.
 */
export function isRenewalDue(login: LoginAge, roundMs: number, lifetimeMs: number): boolean {
  const ageMs = roundMs - login.openedRoundMs;
  const gapMs = roundMs - login.usedRoundMs;
  return ageMs < 0 || (ageMs > 0 && ageMs + gapMs > lifetimeMs);
}

/** sshd's PerSourcePenalties tolerate unauthenticated connections at this pace, with room for other clients: docs/ssh.md. */
export const LISTENER_CHECK_EVERY_MS = 60_000;

/** Whether a listener check (`sessions.door`) is due in this round. */
export function isListenerCheckDue({ provenRoundMs }: LoginAge, roundMs: number): boolean {
  return roundMs - provenRoundMs >= LISTENER_CHECK_EVERY_MS;
}

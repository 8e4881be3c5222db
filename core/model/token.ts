import type { Matcher } from './silence.ts';

/** `read` sees, `silence` also adds and ends silences, `admin` also sees the audit and manages tokens. Each includes the former. */
export const SCOPES = ['read', 'silence', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** What is kept of a token of the history service. Its secret is kept nowhere. */
export interface StoredToken {
  /** A part of the token, by which it is found; no secret. */
  id: string;
  name: string;
  /** SHA-256 of the whole token, in hex. */
  hash: string;
  scope: Scope;
  /** What it may see, see `Principal.selector`. Absent: all. */
  selector?: readonly Matcher[];
  createdAtMs: number;
  author: string;
  /** Refused from then on; absent: it never expires. */
  expiresAtMs?: number;
  revokedAtMs?: number;
  /** To the hour: not each use is written. Absent: never used. */
  lastUsedAtMs?: number;
}

/** When it ends or has ended; undefined: not by itself. */
export function endOfToken({ expiresAtMs, revokedAtMs }: StoredToken): number | undefined {
  const endMs = Math.min(expiresAtMs ?? Infinity, revokedAtMs ?? Infinity);
  return endMs === Infinity ? undefined : endMs;
}

/** Whether it is refused by now; one that was revoked is, whatever the clock says. */
export function hasEnded(token: Pick<StoredToken, 'expiresAtMs' | 'revokedAtMs'>, nowMs: number): boolean {
  return token.revokedAtMs !== undefined || (token.expiresAtMs ?? Infinity) <= nowMs;
}

/** Undefined: it is revoked already. */
export function revokedAt(token: StoredToken, atMs: number): StoredToken | undefined {
  return token.revokedAtMs === undefined ? { ...token, revokedAtMs: atMs } : undefined;
}

/** Undefined: nothing is to be written. A revoked token stays as it is. */
export function usedAt(token: StoredToken, atMs: number): StoredToken | undefined {
  const isNews = token.lastUsedAtMs === undefined || token.lastUsedAtMs < atMs;
  return isNews && token.revokedAtMs === undefined ? { ...token, lastUsedAtMs: atMs } : undefined;
}

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

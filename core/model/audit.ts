/** The ways in: each logs in to hosts or connects through them, and writes a line about every access. */
export const ACCESS_KINDS = ['probe', 'trust', 'check', 'tunnel', 'exec'] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

/** One access: a login, a command, the visits of a check to services, or one connection of a tunnel. */
export interface AuditEntry {
  /** When the access began, also in the line that is written at its end. */
  atMs: number;
  kind: AccessKind;
  /** `bartizan` for the program, `cli:LOGIN` for the user of the machine who ran a command, `api:NAME` for who asked the history service. */
  actor: string;
  /** The name that was given with `--as`; nothing verifies it. `actor` is still the user of the machine. */
  unverifiedActor?: string;
  /**
   * An access that may last has a line at its beginning, with outcome `opened`, and one at its end; both have the same
   * `connection`. So an access of a process that was killed has its first line.
   */
  event?: 'opened' | 'closed';
  connection?: string;
  bastion: string;
  /** `cluster/node`, or absent for the bastion hop itself. */
  target?: string;
  hostKeyFingerprint?: string;
  command?: string;
  commandSha256?: string;
  exitCode?: number;
  durationMs: number;
  /** What the far side sent us, without the SSH protocol around it. */
  bytes: number;
  /** What we sent; absent where it was not counted. */
  bytesSent?: number;
  /** Set where the entry is about a whole batch rather than one access. */
  batch?: string;
  /** `ok` or a failure reason. */
  outcome: string;
}

/** What somebody changed at run time. */
export interface AuditAction {
  atMs: number;
  actor: string;
  unverifiedActor?: string;
  action:
    | 'silence-added'
    | 'silence-changed'
    | 'silence-ended'
    | 'token-added'
    | 'token-revoked'
    | 'audit-acknowledged';
  /** Id of what was changed. */
  subject: string;
  detail: string;
  outcome: string;
}

/** Which lines of the audit somebody asks for: globs, any of which must match; `!ok` matches others. */
export interface AuditFilter {
  /** Unix ms. */
  since?: number;
  until?: number;
  node?: readonly string[];
  bastion?: readonly string[];
  actor?: readonly string[];
  kind?: readonly string[];
  outcome?: readonly string[];
}

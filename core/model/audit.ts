export interface AuditEntry {
  atMs: number;
  actor: string;
  bastion: string;
  /** `cluster/node`, or absent for the bastion hop itself. */
  target?: string;
  hostKeyFingerprint?: string;
  command?: string;
  commandSha256?: string;
  exitCode?: number;
  durationMs: number;
  bytes: number;
  /** Set where the entry is about a whole batch rather than one access. */
  batch?: string;
  /** `ok` or a failure reason. */
  outcome: string;
}

/** What somebody changed at run time. */
export interface AuditAction {
  atMs: number;
  actor: string;
  action: 'silence-added' | 'silence-ended';
  /** Id of what was changed. */
  subject: string;
  detail: string;
  outcome: string;
}

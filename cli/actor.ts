import { userInfo } from 'node:os';
import { InvalidArgumentError } from 'commander';
import type { AuditEntry } from '../core/model/audit.ts';

/** Who runs a command, for the audit: the user of the machine, and the name given with `--as`, which nothing verifies. */
export function actorOf(as?: string): Pick<AuditEntry, 'actor' | 'unverifiedActor'> {
  return { actor: `cli:${loginName()}`, ...(as !== undefined && { unverifiedActor: as }) };
}

/** Reads the NAME of `--as`. @throws InvalidArgumentError */
export function parseAs(text: string): string {
  if (!/^[^\p{C}\p{Z}][^\p{C}]{0,99}$/u.test(text))
    throw new InvalidArgumentError('It is a name of 1 to 100 characters, none of them a control character.');
  return text;
}

/** The user who runs the command. The environment could name anybody; in a container the user may be only a number. */
export function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

import type { Target } from '../../core/model/target.ts';
import { type ProbeError, probeError } from './failure.ts';

/**
 * sshd (OpenSSH ≥ 9.8, PerSourcePenalties) refuses an address for a while after failed logins, by default for at most
 * 10 minutes. Behind a bastion that address is the bastion's, and any of its users may have failed: the node may be fine.
 */
export interface Penalties {
  /** `detail`: the server's message. */
  add(target: Target, detail: string): void;
  clear(target: Target): void;
  /** `wait`: it is too soon to retry. Undefined: the server has not refused us since our last login. */
  of(target: Target): { wait: boolean; error: ProbeError } | undefined;
  /** The refusals of these nodes, as plain data for the next round. */
  entries(targets: readonly Target[]): [name: string, Refusal][];
}

interface Refusal {
  sinceMs: number;
  untilMs: number;
  waitMs: number;
  detail: string;
}

/** The longest default penalty of OpenSSH (`max:10m`). A node that refuses us for longer is down for us. */
const LONGEST_MS = 10 * 60_000;
/** Doubles each time. A refused connection does not prolong the penalty, but each is a line in the server's log. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 4 * 60_000;

/** `before`: entries of an earlier round, perhaps of another process or release; unknown shapes are dropped. */
export function createPenalties(nowMs: () => number, before: readonly unknown[] = []): Penalties {
  const refusals = new Map(before.filter(isEntry));
  return {
    add(target, detail) {
      const name = nameOf(target);
      const last = refusals.get(name);
      const waitMs = Math.min(last ? last.waitMs * 2 : FIRST_WAIT_MS, LONGEST_WAIT_MS);
      refusals.set(name, { sinceMs: last?.sinceMs ?? nowMs(), untilMs: nowMs() + waitMs, waitMs, detail });
    },
    entries(targets) {
      const names = new Set(targets.map(nameOf));
      return [...refusals].filter(([name]) => names.has(name));
    },
    clear(target) {
      refusals.delete(nameOf(target));
    },
    of(target) {
      const refusal = refusals.get(nameOf(target));
      if (!refusal) return undefined;
      const { sinceMs, untilMs, waitMs, detail } = refusal;
      const leftMs = untilMs - nowMs();
      // A clock that was set back must not prolong the wait.
      const wait = leftMs > 0 && leftMs <= waitMs;
      return { wait, error: errorOf(detail, nowMs() - sinceMs) };
    },
  };
}

function nameOf({ cluster, node, host, port }: Target): string {
  return JSON.stringify([cluster, node, host, port]);
}

function isEntry(entry: unknown): entry is [string, Refusal] {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string') return false;
  const { sinceMs, untilMs, waitMs, detail } = (entry[1] ?? {}) as Partial<Refusal>;
  return [sinceMs, untilMs, waitMs].every(Number.isFinite) && typeof detail === 'string';
}

function errorOf(detail: string, forMs: number): ProbeError {
  const remedy = 'PerSourcePenaltyExemptList there can exempt the bastion (`bartizan keys`)';
  if (forMs < LONGEST_MS) return probeError('penalty', 'handshake', `${detail}; ${remedy}`);
  const minutes = Math.floor(forMs / 60_000);
  return probeError('unreachable', 'handshake', `${detail}, for ${minutes} minutes now; ${remedy}`);
}

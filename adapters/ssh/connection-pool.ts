import { hashNumber } from '../../core/hash.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BastionConfig, SessionsConfig } from '../../core/model/config.ts';
import type { Meter } from '../../core/ports.ts';
import type { BastionConnection } from './bastion-connection.ts';
import { createLoginChecks } from './login-checks.ts';

/**
 * The connections of this process to bastions: each bastion has `maxConnections` slots. A batch always gets the same slot,
 * so that it finds the sessions of its nodes still open; batches that share a slot wait for each other.
 */
export interface BastionPool {
  /**
   * Runs `use` with the connection in the batch's slot. The pool reuses the one from last time if it is alive, young
   * enough, and the bastion still lets us log in; otherwise it opens one. @throws what `open` and `checkLogin` throw
   */
  use<T>(
    bastion: BastionConfig,
    batch: Pick<Batch, 'index' | 'roundMs'>,
    dialer: BastionDialer,
    use: (connection: BastionConnection) => Promise<T>,
  ): Promise<T>;
  close(): void;
}

export interface BastionDialer {
  open: () => Promise<BastionConnection>;
  /** Logs in and out again: proves that the bastion still accepts our key. */
  checkLogin: () => Promise<void>;
}

interface Slot {
  /** Resolves when the last batch in line is done. */
  tail: Promise<unknown>;
  connection: BastionConnection | undefined;
}

/** A connection is closed at this age at the latest, so that a server cannot keep stale state for us for ever. */
const MAX_AGE_MS = 3_600_000;
/** A kept connection whose round trip takes longer than this is replaced. */
const ROUND_TRIP_MS = 3_000;
/** For a process that was frozen between batches: its connection may be dead without notice, and a new one is quick. */
const QUICK_ROUND_TRIP_MS = 1_000;

export function createBastionPool(options: {
  nowMs: () => number;
  /** Whether a connection stays open after its use. */
  keeps: () => boolean;
  /**
   * Keep at most one connection open, to the bastion that was used last. For a process that shares `maxConnections` with
   * many others, which cannot count what it keeps open. Default: one connection for each slot.
   */
  onlyLast?: boolean;
  count: Meter['count'];
  sessions: SessionsConfig;
}): BastionPool {
  const { nowMs, keeps, count, sessions, onlyLast = false } = options;
  const loginChecks = createLoginChecks(sessions);
  const roundTripMs = onlyLast ? QUICK_ROUND_TRIP_MS : ROUND_TRIP_MS;
  const slots = new Map<string, Slot>();
  let closed = false;

  async function take(
    slot: Slot,
    name: string,
    bastion: BastionConfig,
    roundMs: number,
    dialer: BastionDialer,
  ) {
    const kept = slot.connection;
    slot.connection = undefined;
    if (kept) {
      // The name spreads the ages, so that connections do not all end in one round. A process with a single connection
      // renews that instead of checking logins beside it.
      const maxAgeMs = onlyLast ? sessions.renewMs : MAX_AGE_MS * (0.5 + (hashNumber(name) % 1000) / 2000);
      const ageMs = nowMs() - kept.openedAtMs;
      const young = ageMs >= 0 && ageMs < maxAgeMs;
      if (young && (await kept.isAlive(Math.min(roundTripMs, bastion.deadlines.bastionMs)))) {
        try {
          if (!onlyLast) await loginChecks.check(bastion, roundMs, dialer.checkLogin);
        } catch (error) {
          kept.close();
          throw error;
        }
        count('ssh_sessions_reused_total', { hop: 'bastion' });
        return kept;
      }
      kept.close();
    }
    const connection = await dialer.open();
    loginChecks.recordLogin(bastion, roundMs);
    return connection;
  }

  function closeOthers(used: Slot): void {
    for (const slot of slots.values()) {
      if (slot === used) continue;
      slot.connection?.close();
      slot.connection = undefined;
    }
  }

  return {
    use(bastion, { index, roundMs }, dialer, use) {
      const name = `${bastion.name}/${onlyLast ? 0 : index % bastion.maxConnections}`;
      const slot = slots.get(name) ?? { tail: Promise.resolve(), connection: undefined };
      slots.set(name, slot);
      const withConnection = async () => {
        if (onlyLast) closeOthers(slot);
        const connection = await take(slot, name, bastion, roundMs, dialer);
        try {
          return await use(connection);
        } finally {
          if (connection.isOpen() && !closed && keeps()) slot.connection = connection;
          else connection.close();
        }
      };
      const result = slot.tail.then(withConnection);
      slot.tail = result.catch(() => {});
      return result;
    },
    close() {
      closed = true;
      for (const slot of slots.values()) slot.connection?.close();
      slots.clear();
    },
  };
}

import type { BastionConfig } from '../../core/config/types.ts';
import { hashNumber } from '../../core/hash.ts';
import type { BastionLink } from './bastion-link.ts';

/**
 * The connections of this process to bastions: `maxConnections` places for each. A batch always gets the same place,
 * so that it finds the sessions of its nodes open; batches of one place wait for each other.
 */
export interface Links {
  /**
   * Runs `use` with the link of a batch's place, kept from last time if it is alive and young enough, or opened.
   * @throws what `open` throws
   */
  use<T>(
    bastion: BastionConfig,
    batchIndex: number,
    open: () => Promise<BastionLink>,
    use: (link: BastionLink) => Promise<T>,
  ): Promise<T>;
  close(): void;
}

interface Place {
  /** Ends when the last user that came is done. */
  tail: Promise<unknown>;
  link: BastionLink | undefined;
}

/** At least so often everything is opened again, so that revoked keys and changed host keys come to light. */
const MAX_AGE_MS = 3_600_000;
/** A kept connection that needs longer than this for a round trip is not worth keeping. */
const ROUND_TRIP_MS = 3_000;
/** Of a process that stood still between batches: its connections may be gone without a word, and a new one is quick. */
const QUICK_ROUND_TRIP_MS = 1_000;

export function createLinks(options: {
  nowMs: () => number;
  /** Whether a link stays open after its use. */
  keeps: () => boolean;
  /**
   * One link stays open at most, to the bastion that was used last, whichever batch it was: where a process is one of
   * many that share `maxConnections`, more would not be counted. Default: a link for each place.
   */
  onlyLast?: boolean;
  count: (name: string, labels: Record<string, string>) => void;
}): Links {
  const { nowMs, keeps, count, onlyLast = false } = options;
  const roundTripMs = onlyLast ? QUICK_ROUND_TRIP_MS : ROUND_TRIP_MS;
  const places = new Map<string, Place>();
  let closed = false;

  async function take(place: Place, name: string, bastion: BastionConfig, open: () => Promise<BastionLink>) {
    const kept = place.link;
    place.link = undefined;
    if (kept) {
      // Not all in the same round.
      const maxAgeMs = MAX_AGE_MS * (0.5 + (hashNumber(name) % 1000) / 2000);
      const young = nowMs() - kept.openedAtMs < maxAgeMs;
      if (young && (await kept.isAlive(Math.min(roundTripMs, bastion.deadlines.bastionMs)))) {
        count('ssh_sessions_reused_total', { hop: 'bastion' });
        return kept;
      }
      kept.close();
    }
    return open();
  }

  function closeOthers(mine: Place): void {
    for (const place of places.values()) {
      if (place === mine) continue;
      place.link?.close();
      place.link = undefined;
    }
  }

  return {
    use(bastion, batchIndex, open, use) {
      const name = `${bastion.name}/${onlyLast ? 0 : batchIndex % bastion.maxConnections}`;
      const place = places.get(name) ?? { tail: Promise.resolve(), link: undefined };
      places.set(name, place);
      const run = async () => {
        if (onlyLast) closeOthers(place);
        const link = await take(place, name, bastion, open);
        try {
          return await use(link);
        } finally {
          if (link.isOpen() && !closed && keeps()) place.link = link;
          else link.close();
        }
      };
      const result = place.tail.then(run);
      place.tail = result.catch(() => {});
      return result;
    },
    close() {
      closed = true;
      for (const place of places.values()) place.link?.close();
      places.clear();
    },
  };
}

// Counts tokens that were refused, by the address of who showed them. Nobody can guess a token; but each try reads state.

import { isIPv6 } from 'node:net';

/** Tries at once, and how many a minute after that. */
const BURST = 20;
const A_MINUTE = 10;
const MOST_ADDRESSES = 10_000;
const MAPPED = /^::ffff:(?=\d+\.)/i;

export interface FailedTries {
  /** How long this address must wait for its next try; 0: not at all. */
  waitMs(address: string, nowMs: number): number;
  add(address: string, nowMs: number): void;
}

export function createFailedTries(): FailedTries {
  /** How many tries still count, at that time; they fade. The address that failed last is the last. */
  const levels = new Map<string, { level: number; atMs: number }>();

  function levelAt(key: string, nowMs: number): number {
    const { level, atMs } = levels.get(key) ?? { level: 0, atMs: nowMs };
    // A clock that was set back forgives nothing, and holds nobody up for longer.
    return Math.max(0, level - (Math.max(0, nowMs - atMs) / 60_000) * A_MINUTE);
  }

  return {
    waitMs(address, nowMs) {
      const over = levelAt(networkOf(address), nowMs) - (BURST - 1);
      return over <= 0 ? 0 : Math.ceil((over / A_MINUTE) * 60_000);
    },
    add(address, nowMs) {
      const key = networkOf(address);
      const level = Math.min(BURST, levelAt(key, nowMs) + 1);
      levels.delete(key);
      levels.set(key, { level, atMs: nowMs });
      const [oldest] = levels.keys();
      if (levels.size > MOST_ADDRESSES && oldest !== undefined) levels.delete(oldest);
    },
  };
}

/** One host has a whole /64 of IPv6. */
function networkOf(address: string): string {
  const plain = address.replace(MAPPED, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array(Math.max(0, missing)).fill('0'), ...(tail ?? '').split(':')]
    .slice(0, 4)
    .join(':');
}

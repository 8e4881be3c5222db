import { describeError } from '../../core/errors.ts';
import { hasEnded, type StoredToken } from '../../core/model/token.ts';
import type { Clock, Logger, TokenState } from '../../core/ports.ts';
import type { Principal } from '../principal.ts';
import { createFailedTries } from './failed-tries.ts';
import { idOfToken, isTokenOf } from './token.ts';

/** A token that was revoked is refused after this at the latest. */
const CACHED_MS = 3_000;
const MOST_CACHED = 1_000;
/** Its use is written down this often. */
const USE_EVERY_MS = 3_600_000;

export type TokenVerdict =
  | { kind: 'principal'; principal: Principal }
  | { kind: 'refused'; reason: 'malformed' | 'unknown' | 'revoked' | 'expired' }
  | { kind: 'wait'; waitMs: number }
  /** State does not answer. */
  | { kind: 'unavailable' };

export interface TokenCheck {
  check(text: string, address: string): Promise<TokenVerdict>;
}

interface Known {
  token: StoredToken;
  readAtMs: number;
  usedAtMs: number;
}

export function createTokenCheck({
  tokens,
  clock,
  logger,
}: {
  tokens: Pick<TokenState, 'findToken' | 'listTokens' | 'markTokenUsed'>;
  clock: Clock;
  logger: Logger;
}): TokenCheck {
  /** Tokens that somebody has shown who knew their secret. */
  const known = new Map<string, Known>();
  const failedTries = createFailedTries();
  let listed: { tokens: Promise<StoredToken[]>; atMs: number } | undefined;

  async function find(id: string): Promise<StoredToken | undefined> {
    const found = known.get(id);
    const ageMs = found ? clock.nowMs() - found.readAtMs : Infinity;
    // A clock that was set back makes nothing fresh.
    if (found && ageMs >= 0 && ageMs < CACHED_MS) return found.token;
    const token = await tokens.findToken(id);
    if (found && token) Object.assign(found, { token, readAtMs: clock.nowMs() });
    else known.delete(id);
    return token;
  }

  /**
   * One reading of all tokens, from time to time: however many wrong ones come from an address, it costs state no more, and the
   * right ones from there are accepted, such as those of others behind the same proxy.
   */
  async function findListed(id: string): Promise<StoredToken | undefined> {
    const nowMs = clock.nowMs();
    if (!listed || Math.abs(nowMs - listed.atMs) >= CACHED_MS) {
      listed = { tokens: tokens.listTokens(), atMs: nowMs };
      listed.tokens.catch(() => {
        listed = undefined;
      });
    }
    return (await listed.tokens).find((token) => token.id === id);
  }

  /** Nobody waits for it. */
  function noteUse(token: StoredToken, nowMs: number): void {
    const before = known.get(token.id);
    const usedAtMs = Math.max(before?.usedAtMs ?? 0, token.lastUsedAtMs ?? 0);
    // One that is used all the time must be read again, too.
    const readAtMs = before?.token === token ? before.readAtMs : nowMs;
    const isDue = nowMs - usedAtMs >= USE_EVERY_MS;
    known.delete(token.id);
    known.set(token.id, { token, readAtMs, usedAtMs: isDue ? nowMs : usedAtMs });
    const [oldest] = known.keys();
    if (known.size > MOST_CACHED && oldest !== undefined) known.delete(oldest);
    if (!isDue) return;
    tokens.markTokenUsed(token.id, nowMs).catch((error: unknown) => {
      logger.warn('the use of a token was not kept', { token: token.name, error: describeError(error) });
    });
  }

  function refused(address: string, reason: 'malformed' | 'unknown' | 'revoked' | 'expired'): TokenVerdict {
    failedTries.add(address, clock.nowMs());
    return { kind: 'refused', reason };
  }

  return {
    async check(text, address) {
      const id = idOfToken(text);
      const waitMs = id !== undefined && known.has(id) ? 0 : failedTries.waitMs(address, clock.nowMs());
      if (id === undefined) return waitMs > 0 ? { kind: 'wait', waitMs } : refused(address, 'malformed');
      let token: StoredToken | undefined;
      try {
        token = waitMs > 0 ? await findListed(id) : await find(id);
      } catch (error) {
        logger.error('tokens cannot be read', { error: describeError(error) });
        return { kind: 'unavailable' };
      }
      if (!token || !isTokenOf(text, token))
        return waitMs > 0 ? { kind: 'wait', waitMs } : refused(address, 'unknown');
      const nowMs = clock.nowMs();
      const { name, scope, selector, revokedAtMs, expiresAtMs = Infinity } = token;
      if (hasEnded(token, nowMs)) known.delete(id);
      if (revokedAtMs !== undefined) return refused(address, 'revoked');
      if (expiresAtMs <= nowMs) return refused(address, 'expired');
      noteUse(token, nowMs);
      return {
        kind: 'principal',
        principal: { name: `token ${name}`, scope, ...(selector && { selector }) },
      };
    },
  };
}

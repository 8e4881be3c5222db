import type { Config } from '../core/model/config.ts';
import type { StoredToken } from '../core/model/token.ts';
import { describeMatchers, momentText } from '../core/notify/silence-text.ts';
import { visibleLine } from '../core/text/visible-line.ts';
import { renderTable } from './table.ts';

export type TokenStatus = 'valid' | 'expired' | 'revoked';

/** What may be shown of a token: not its hash. */
export type ListedToken = Omit<StoredToken, 'hash'> & { status: TokenStatus };

export function listedToken({ hash, ...token }: StoredToken, nowMs: number): ListedToken {
  return { ...token, status: statusOf(token, nowMs) };
}

function statusOf(
  { revokedAtMs, expiresAtMs = Infinity }: Omit<StoredToken, 'hash'>,
  nowMs: number,
): TokenStatus {
  if (revokedAtMs !== undefined) return 'revoked';
  return expiresAtMs <= nowMs ? 'expired' : 'valid';
}

/** `grafana (read, cluster="prod"), until 2027-03-01 10:00:00`. */
export function describeToken(token: Omit<StoredToken, 'hash'>, config: Config, nowMs: number): string {
  const { name, scope, selector, expiresAtMs } = token;
  const sees = selector ? describeMatchers(selector) : 'the whole fleet';
  const until =
    expiresAtMs === undefined ? 'until it is revoked' : `until ${momentText(expiresAtMs, nowMs, config)}`;
  return visibleLine(`${name} (${scope}, ${sees}), ${until}`);
}

export function tokenTable(tokens: readonly ListedToken[], config: Config, nowMs: number): string {
  if (tokens.length === 0) return 'there are no tokens; `bartizan token add NAME` makes one\n';
  const at = (ms: number | undefined, otherwise: string) =>
    ms === undefined ? otherwise : momentText(ms, nowMs, config);
  const rows = tokens.map(({ id, name, status, scope, selector, author, expiresAtMs, lastUsedAtMs }) => [
    id,
    visibleLine(name),
    status,
    scope,
    selector ? describeMatchers(selector) : 'the whole fleet',
    at(expiresAtMs, 'never'),
    at(lastUsedAtMs, 'never'),
    visibleLine(author),
  ]);
  return renderTable(['ID', 'NAME', 'STATUS', 'SCOPE', 'SEES', 'EXPIRES', 'LAST USED', 'BY'], rows);
}

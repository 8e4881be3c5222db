import { formatDateTime, formatMoment, formatSpan } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { Matcher, StoredSilence } from '../core/model/silence.ts';
import type { ListedSilence } from '../core/notify/listed-silences.ts';
import { describeMatcher } from '../core/notify/silences.ts';
import { visibleLine } from '../core/text/visible-line.ts';
import { renderTable } from './table.ts';

/** The number of characters of an id in tables; commands accept the beginning of an id. */
export const SHORT_ID = 8;

const FAR_MS = 180 * 86_400_000;

/** `node="prod-1" until 29 Nov 18:00 (2h), by ann: disk swap`. */
export function describeSilence(silence: StoredSilence, config: Config, nowMs: number): string {
  const { fromMs, author, comment } = silence;
  const at = (ms: number) => moment(ms, nowMs, config);
  const from = fromMs > nowMs ? ` from ${at(fromMs)}` : '';
  return visibleLine(
    `${whatText(silence)}${from} ${untilText(silence, config, nowMs)}, by ${author}: ${comment}`,
  );
}

/** `node="prod-1" role=~"etcd|api"`. */
export function describeMatchers(matchers: readonly Matcher[]): string {
  return visibleLine(matchers.map(describeMatcher).join(' '));
}

function whatText({ alertId, matchers }: Pick<StoredSilence, 'alertId' | 'matchers'>): string {
  const what = matchers.map(describeMatcher).join(' ');
  return alertId === undefined ? what : `alert ${alertId} (${what})`;
}

function untilText(
  silence: Pick<StoredSilence, 'alertId' | 'untilMs'>,
  config: Config,
  nowMs: number,
): string {
  const { alertId, untilMs } = silence;
  const until = `until ${moment(untilMs, nowMs, config)} (${formatSpan(untilMs - nowMs)})`;
  return alertId === undefined ? until : `until it resolves, ${until} at the latest`;
}

/**
 * `18:00`, with the date if that is not today; for an acknowledgement `it resolves`, with the latest time if it has
 * one.
 */
export function endText(
  { alertId, untilMs }: Pick<StoredSilence, 'alertId' | 'untilMs'>,
  config: Config,
  nowMs: number,
): string {
  const end = moment(untilMs, nowMs, config);
  if (alertId === undefined) return end;
  return untilMs - nowMs > FAR_MS ? 'it resolves' : `it resolves, ${end} at the latest`;
}

export function silenceTable(listed: readonly ListedSilence[], config: Config, nowMs: number): string {
  if (listed.length === 0) return 'there are no silences\n';
  const at = (ms: number) => moment(ms, nowMs, config);
  const rows = listed.map((silence) => [
    silence.id.slice(0, SHORT_ID),
    silence.state,
    whatText(silence),
    silence.state === 'pending' ? at(silence.fromMs) : '',
    endText(silence, config, nowMs),
    silence.source === 'file' ? 'the file' : silence.author,
    silence.comment,
  ]);
  return renderTable(['ID', 'STATE', 'WHAT', 'FROM', 'UNTIL', 'BY', 'COMMENT'], rows);
}

/** With the year when the day alone could be misread. */
function moment(ms: number, nowMs: number, { schedule: { timeZone } }: Config): string {
  const isFar = Math.abs(ms - nowMs) > FAR_MS;
  return isFar ? formatDateTime(ms, timeZone) : formatMoment(ms, nowMs, timeZone);
}

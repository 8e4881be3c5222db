// A silence as a line for people.

import { formatDateTime, formatMoment, formatSpan } from '../format.ts';
import type { Config } from '../model/config.ts';
import type { Matcher, StoredSilence } from '../model/silence.ts';
import { visibleLine } from '../text/visible-line.ts';
import { describeMatcher } from './silences.ts';

export const FAR_MS = 180 * 86_400_000;

/** What its texts need of the configuration. */
type Zone = { schedule: Pick<Config['schedule'], 'timeZone'> };

/** `node="prod-1" until 29 Nov 18:00 (2h), by ann: disk swap`. */
export function describeSilence(silence: StoredSilence, zone: Zone, nowMs: number): string {
  const { fromMs, author, comment } = silence;
  const at = (ms: number) => momentText(ms, nowMs, zone);
  const from = fromMs > nowMs ? ` from ${at(fromMs)}` : '';
  return visibleLine(
    `${silencedText(silence)}${from} ${untilText(silence, zone, nowMs)}, by ${author}: ${comment}`,
  );
}

/** `node="prod-1" role=~"etcd|api"`. */
export function describeMatchers(matchers: readonly Matcher[]): string {
  return visibleLine(matchers.map(describeMatcher).join(' '));
}

export function silencedText({ alertId, matchers }: Pick<StoredSilence, 'alertId' | 'matchers'>): string {
  const what = matchers.map(describeMatcher).join(' ');
  return alertId === undefined ? what : `alert ${alertId} (${what})`;
}

function untilText(silence: Pick<StoredSilence, 'alertId' | 'untilMs'>, zone: Zone, nowMs: number): string {
  const { alertId, untilMs } = silence;
  const until = `until ${momentText(untilMs, nowMs, zone)} (${formatSpan(untilMs - nowMs)})`;
  return alertId === undefined ? until : `until it resolves, ${until} at the latest`;
}

/** With the year when the day alone could be misread. */
export function momentText(ms: number, nowMs: number, { schedule: { timeZone } }: Zone): string {
  const isFar = Math.abs(ms - nowMs) > FAR_MS;
  return isFar ? formatDateTime(ms, timeZone) : formatMoment(ms, nowMs, timeZone);
}

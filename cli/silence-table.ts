import type { Config } from '../core/model/config.ts';
import type { StoredSilence } from '../core/model/silence.ts';
import type { ListedSilence } from '../core/notify/listed-silences.ts';
import { FAR_MS, momentText, silencedText } from '../core/notify/silence-text.ts';
import { renderTable } from './table.ts';

/** The number of characters of an id in tables; commands accept the beginning of an id. */
export const SHORT_ID = 8;

/**
 * `18:00`, with the date if that is not today; for an acknowledgement `it resolves`, with the latest time if it has
 * one.
 */
export function endText(
  { alertId, untilMs }: Pick<StoredSilence, 'alertId' | 'untilMs'>,
  config: Pick<Config, 'schedule'>,
  nowMs: number,
): string {
  const end = momentText(untilMs, nowMs, config);
  if (alertId === undefined) return end;
  return untilMs - nowMs > FAR_MS ? 'it resolves' : `it resolves, ${end} at the latest`;
}

export function silenceTable(
  listed: readonly ListedSilence[],
  config: Pick<Config, 'schedule'>,
  nowMs: number,
): string {
  if (listed.length === 0) return 'there are no silences\n';
  const at = (ms: number) => momentText(ms, nowMs, config);
  const rows = listed.map((silence) => [
    silence.id.slice(0, SHORT_ID),
    silence.state,
    silencedText(silence),
    silence.state === 'pending' ? at(silence.fromMs) : '',
    endText(silence, config, nowMs),
    silence.source === 'file' ? 'the file' : silence.author,
    silence.comment,
  ]);
  return renderTable(['ID', 'STATE', 'WHAT', 'FROM', 'UNTIL', 'BY', 'COMMENT'], rows);
}

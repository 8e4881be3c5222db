// What withholds messages of an alert now, for people who ask: silences of both kinds, and rules that inhibit.

import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Silence, StoredSilence } from '../model/silence.ts';
import { compileSilence, fromGlobs, type SilenceSubject, silenceCovers } from './silences.ts';
import { inhibitorsOf, inhibits } from './suppression.ts';

export interface ListedSilence extends Omit<StoredSilence, 'createdAtMs'> {
  createdAtMs?: number;
  source: 'state' | 'file';
  state: 'active' | 'pending' | 'expired';
}

/** Silences of both kinds in the order of their ends; those of the configuration have no author. */
export function listedSilences(input: {
  stored: readonly StoredSilence[];
  file: readonly Silence[];
  alerts: readonly Alert[];
  nowMs: number;
}): ListedSilence[] {
  const { stored, file, alerts, nowMs } = input;
  const phase = ({ fromMs, untilMs }: { fromMs: number; untilMs: number }): ListedSilence['state'] =>
    untilMs <= nowMs ? 'expired' : fromMs > nowMs ? 'pending' : 'active';
  return [
    ...stored.map((silence) => ({
      ...silence,
      source: 'state' as const,
      state: isOver(silence, alerts) ? ('expired' as const) : phase(silence),
    })),
    ...file.map(({ match, ...silence }, index) => ({
      id: `file:${index + 1}`,
      matchers: fromGlobs(match),
      ...silence,
      author: '',
      source: 'file' as const,
      state: phase(silence),
    })),
  ].sort((a, b) => a.untilMs - b.untilMs || (a.id < b.id ? -1 : 1));
}

/** The acknowledged alert has resolved, so the silence covers nothing any more. */
function isOver(silence: StoredSilence, alerts: readonly Alert[]): boolean {
  if (silence.alertId === undefined) return false;
  const alert = alerts.find(({ id }) => id === silence.alertId);
  // An acknowledgement also has matchers with its labels, which help people.
  const bare = { ...silence, matchers: [] };
  const { labels, sinceMs, status } = alert ?? { labels: {}, sinceMs: 0, status: 'ok' as const };
  return !silenceCovers(bare, { alertId: silence.alertId, labels, sinceMs, status });
}

/** Finds the active silences that cover an alert, the last to end first, because messages wait for that one. */
export function compileCovering(
  listed: readonly ListedSilence[],
): (subject: SilenceSubject) => ListedSilence[] {
  const active = listed
    .filter(({ state }) => state === 'active')
    .sort((a, b) => b.untilMs - a.untilMs)
    .map((silence) => {
      const { covers } = compileSilence({ ...silence, createdAtMs: silence.createdAtMs ?? 0 });
      return { silence, covers };
    });
  return (subject) => active.filter(({ covers }) => covers(subject)).map(({ silence }) => silence);
}

/** Rules that may keep an alert quiet, and whether one of their alerts does now. */
export function inhibitors(
  rule: Pick<Rule, 'inhibitedBy' | 'supersededBy'> | undefined,
  labels: Labels,
  alerts: readonly Alert[],
): { rule: string; now: boolean }[] {
  if (!rule) return [];
  return inhibitorsOf(rule).map((name) => ({
    rule: name,
    now: alerts.some(
      (alert) => alert.rule === name && alert.status === 'firing' && inhibits(alert, { labels }, rule),
    ),
  }));
}

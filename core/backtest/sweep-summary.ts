import { labelKey } from '../labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Transition } from '../model/transition.ts';
import type { BacktestRequest } from './backtest.ts';
import { medianOf } from './compare.ts';
import { type Episode, episodesOf, firingMs } from './episodes.ts';
import { simulateMessages } from './messages.ts';
import type { Variant } from './sweep-axes.ts';

export type SweepRequest = Omit<BacktestRequest, 'rules'> & {
  /** The rule that the variants are of. */
  rule: Rule;
  variants: readonly Variant[];
};

export interface VariantSummary {
  /** The value of each axis; durations in ms. */
  values: readonly number[];
  episodes: number;
  /** Firings within an hour after the end of the same alert. */
  flaps: number;
  messages: number;
  /** The messages of the time that is known, as many as in a week; absent where nothing is. */
  messagesPerWeek?: number;
  /** The median time from the first breach of the loosest variant to the firing; absent: nothing fired. */
  delayMs?: number;
  firingMs: number;
}

const FLAP_MS = 3_600_000;
const WEEK_MS = 7 * 24 * 3_600_000;

/**
 * @param emitted the transitions of each variant @param inhibiting those of rules that may withhold its messages
 * @param known how much of the range has samples
 */
export function summariseVariants(
  { config, variants, silences, fromMs, toMs }: SweepRequest,
  emitted: readonly (readonly Transition[])[],
  inhibiting: readonly Transition[],
  known: number,
): VariantSummary[] {
  const all = emitted.map((transitions) => episodesOf(transitions, fromMs));
  const sinceOf = firstBreaches(all[loosestOf(variants)] ?? []);
  return variants.map((variant, i): VariantSummary => {
    const episodes = all[i] ?? [];
    const rules = config.rules.map((rule) => (rule.name === variant.rule.name ? variant.rule : rule));
    const deciding = { rules, routes: config.routes, silences: [...config.silences, ...silences] };
    const { name } = variant.rule;
    const sent = simulateMessages([...inhibiting, ...(emitted[i] ?? [])], deciding, toMs, name);
    const messages = sent.messages.filter(({ atMs }) => atMs >= fromMs).length;
    return {
      values: variant.values,
      episodes: episodes.length,
      flaps: flapsOf(episodes),
      messages,
      ...(known > 0 && { messagesPerWeek: Math.round((messages * WEEK_MS * 10) / known) / 10 }),
      ...(episodes.length > 0 && { delayMs: medianOf(episodes.map((one) => one.firedAtMs - sinceOf(one))) }),
      firingMs: episodes.reduce((sum, one) => sum + firingMs(one, { fromMs, toMs }), 0),
    };
  });
}

/** The variant that breaches first: that whose threshold is reached most easily, and of these the one with the shortest hold. */
function loosestOf(variants: readonly Variant[]): number {
  const ease = ({ rule: { condition } }: Variant) =>
    condition.kind === 'above' ? -condition.threshold : condition.kind === 'below' ? condition.threshold : 0;
  let found = 0;
  for (const [i, variant] of variants.entries()) {
    const best = variants[found] as Variant;
    const by = ease(variant) - ease(best) || best.rule.forMs - variant.rule.forMs;
    if (by > 0) found = i;
  }
  return found;
}

/** When what an episode is about began: with the loosest variant's episode at that time, if it has one. */
function firstBreaches(loosest: readonly Episode[]): (episode: Episode) => number {
  const bySeries = Map.groupBy(loosest, ({ labels }) => labelKey(labels));
  return ({ labels, sinceMs, firedAtMs }) => {
    const covering = bySeries
      .get(labelKey(labels))
      ?.findLast((one) => one.sinceMs <= firedAtMs && (one.resolvedAtMs ?? Infinity) >= firedAtMs);
    return Math.min(sinceMs, covering?.sinceMs ?? sinceMs);
  };
}

function flapsOf(episodes: readonly Episode[]): number {
  const endedAt = new Map<string, number>();
  let flaps = 0;
  for (const { alertId, firedAtMs, resolvedAtMs = Infinity } of episodes) {
    if (firedAtMs - (endedAt.get(alertId) ?? -Infinity) <= FLAP_MS) flaps++;
    endedAt.set(alertId, resolvedAtMs);
  }
  return flaps;
}

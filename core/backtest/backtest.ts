// What rules would have said about stored samples, and to whom. Every verdict is one of core/evaluate, every message one of core/notify.

import type { Config } from '../model/config.ts';
import type { Rule, Severity } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import type { Transition } from '../model/transition.ts';
import { episodeOf } from '../notify/episode.ts';
import type { AnySilence } from '../notify/silences.ts';
import { inhibitorsOf } from '../notify/suppression.ts';
import { createRuleGaps, type MetricGap } from './coverage.ts';
import { type Episode, episodesOf, firingMs } from './episodes.ts';
import { type HistoryPorts, type HistoryResult, runHistory } from './history-run.ts';
import { type BacktestMessage, type BacktestMessages, simulateMessages } from './messages.ts';

export type BacktestConfig = Pick<Config, 'rules' | 'routes' | 'silences' | 'checks' | 'schedule'>;

export interface BacktestRequest {
  config: BacktestConfig;
  /** Names of the rules that are asked about; those that inhibit them are evaluated as well. */
  rules: readonly string[];
  targets: readonly Target[];
  /** Silences of state. */
  silences: readonly AnySilence[];
  fromMs: number;
  toMs: number;
}

export interface BacktestEpisode extends Episode {
  severity: Severity;
  /** Channels that would have been sent the firing, in order of the messages. */
  channels: readonly string[];
  /** It was withheld for a time; without channels to its end. */
  withheld?: 'silence' | 'inhibition';
}

export interface RuleSummary {
  rule: string;
  severity: Severity;
  episodes: number;
  /** Holds that ended before they had lasted for `for`. */
  cancelled: number;
  firingMs: number;
  /** Messages in which it stands. */
  messages: number;
  /** Where the rule's verdict is unknown: a metric has no samples at all. */
  unknown: readonly MetricGap[];
}

export interface Backtest {
  fromMs: number;
  toMs: number;
  rules: RuleSummary[];
  /** In order of firing. */
  episodes: BacktestEpisode[];
  messages: BacktestMessage[];
  /** `cluster/node` of nodes that have samples but are no longer in the inventory: no rule is evaluated for them. */
  goneNodes: readonly string[];
  /** Nodes of the inventory that have no samples: nothing is known about them. */
  unseenNodes: readonly string[];
  /** How many were read. */
  samples: number;
}

/** @throws BacktestTooLargeError | RetryableError of the store */
export async function runBacktest(request: BacktestRequest, ports: HistoryPorts): Promise<Backtest> {
  const { config, targets, fromMs, toMs } = request;
  const chosen = config.rules.filter(({ name }) => request.rules.includes(name));
  const inhibitors = new Set(chosen.flatMap(inhibitorsOf));
  const rules = config.rules.filter((rule) => chosen.includes(rule) || inhibitors.has(rule.name));
  const history = await runHistory({ config, rules, targets, fromMs, toMs }, ports);
  const silences = [...config.silences, ...request.silences];
  const sent = simulateMessages(history.transitions, { ...config, rules, silences }, toMs);
  const messages = messagesOf(chosen, history, sent, fromMs);
  const episodes = episodesWithChannels(chosen, history, sent, fromMs);
  const seen = history.coverage.nodes();
  const known = new Set(targets.map(({ cluster, node }) => `${cluster}/${node}`));
  const gapsOf = createRuleGaps(request, history.coverage, ports.store);
  const summaries: RuleSummary[] = [];
  for (const rule of chosen) {
    const own = episodes.filter((episode) => episode.rule === rule.name);
    const ids = new Set(own.map(episodeOf));
    const isCancelled = (one: Transition) =>
      one.rule === rule.name && one.kind === 'cancelled' && one.atMs >= fromMs;
    summaries.push({
      rule: rule.name,
      severity: rule.severity,
      episodes: own.length,
      cancelled: history.transitions.filter(isCancelled).length,
      firingMs: own.reduce((sum, episode) => sum + firingMs(episode, { fromMs, toMs }), 0),
      messages: messages.filter(({ statuses }) => Object.keys(statuses).some((id) => ids.has(id))).length,
      unknown: await gapsOf(rule),
    });
  }
  return {
    fromMs,
    toMs,
    rules: summaries,
    episodes,
    messages,
    goneNodes: [...seen].filter((name) => !known.has(name)).sort(),
    unseenNodes: [...known].filter((name) => !seen.has(name)).sort(),
    samples: history.samples,
  };
}

function episodesWithChannels(
  chosen: readonly Rule[],
  { transitions }: HistoryResult,
  { messages, withheld }: BacktestMessages,
  fromMs: number,
): BacktestEpisode[] {
  const severities = new Map(chosen.map(({ name, severity }) => [name, severity]));
  const channels = new Map<string, Set<string>>();
  for (const { statuses, channel } of messages) {
    for (const [id, status] of Object.entries(statuses)) {
      if (status === 'firing') channels.set(id, (channels.get(id) ?? new Set()).add(channel));
    }
  }
  return episodesOf(transitions, fromMs).flatMap((episode): BacktestEpisode[] => {
    const severity = severities.get(episode.rule);
    const id = episodeOf(episode);
    const by = withheld.get(id);
    return severity
      ? [{ ...episode, severity, channels: [...(channels.get(id) ?? [])], ...(by && { withheld: by }) }]
      : [];
  });
}

/** The messages since then in which an alert of these rules stands. */
function messagesOf(
  chosen: readonly Rule[],
  { transitions }: HistoryResult,
  { messages }: BacktestMessages,
  fromMs: number,
): BacktestMessage[] {
  const names = new Set(chosen.map(({ name }) => name));
  const ids = new Set(
    transitions.flatMap(({ rule, kind, alertId, atMs }) =>
      kind === 'firing' && names.has(rule) ? [episodeOf({ alertId, firedAtMs: atMs })] : [],
    ),
  );
  return messages.filter(
    ({ atMs, statuses }) => atMs >= fromMs && Object.keys(statuses).some((id) => ids.has(id)),
  );
}

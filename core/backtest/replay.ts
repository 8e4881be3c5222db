// A message that was sent, once more: its verdicts from stored samples, its text and its picture from these.

import type { PictureOrder } from '../chart/series.ts';
import { createIntervals } from '../intervals.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Incident, IncidentAlert } from '../model/incident.ts';
import type { Notification } from '../model/notification.ts';
import type { Rule } from '../model/rule.ts';
import type { Target } from '../model/target.ts';
import type { Transition } from '../model/transition.ts';
import { episodeOf } from '../notify/episode.ts';
import { describesFailures } from '../notify/notification.ts';
import { type PastMessage, rebuildNotification, wasInMessage } from '../notify/past-message.ts';
import { greatestOf, leastOf } from '../numbers/extremes.ts';
import type { Logger, Meter, SampleStore } from '../ports.ts';
import { metricsOf } from '../rule-query.ts';
import { currentStates } from '../stages/current-states.ts';
import { orderPicture } from '../stages/draw.ts';
import { describeGap } from './coverage.ts';
import { type Episode, episodesOf } from './episodes.ts';
import { type HistoryPorts, runHistory } from './history-run.ts';
import {
  isOf,
  keptTransitions,
  type RecordState,
  readMessage,
  resolvedOf,
  splitEpisode,
  withOldTargets,
} from './replay-records.ts';

export interface ReplayPorts extends HistoryPorts {
  store: Pick<SampleStore, 'query' | 'rollUps'>;
  state: RecordState;
  logger: Logger;
  meter: Meter;
}

export type ReplayConfig = Pick<Config, 'checks' | 'schedule' | 'channels'>;

/** One firing that the message is about: what was sent, and what the samples say today. */
export interface ReplayedAlert {
  episode: string;
  rule: string;
  status: 'firing' | 'resolved';
  sent: Verdict;
  /** Absent: the stored samples do not make it fire then. */
  replayed?: Verdict & { labels: Episode['labels'] };
  isSame: boolean;
}

/** `resolvedAtMs` of one that fires is absent; of the sent one also where its transition was deleted. */
export interface Verdict {
  firedAtMs: number;
  resolvedAtMs?: number;
}

export interface Replay {
  message: PastMessage;
  alerts: readonly ReplayedAlert[];
  /** Every verdict is the same, to the millisecond. */
  isSame: boolean;
  /** Why something cannot be reproduced, or may differ. */
  notes: readonly string[];
  /** Absent where no alert could be reproduced. */
  notification?: Notification;
  picture?: PictureOrder;
}

/** A message about an alert that fires for days is replayed in larger steps. */
const MOST_ROUNDS = 2_000;

/** @throws ConfigError where no record of the message is left */
export async function replayMessage(
  key: string,
  { config, targets }: { config: ReplayConfig; targets: readonly Target[] },
  ports: ReplayPorts,
): Promise<Replay> {
  const { message, incident } = await readMessage(key, ports.state);
  const { atMs } = message.delivery;
  const perhaps = Object.entries(message.statuses).map(([episode, status]) => ({
    ...splitEpisode(episode),
    episode,
    status,
  }));
  const rules = Object.values(incident.rules).filter(({ name }) =>
    perhaps.some(({ alertId }) => isOf(alertId, name)),
  );
  const holdMs = greatestOf([0, ...rules.map(({ forMs }) => forMs)]);
  const fromMs = leastOf(perhaps.map(({ firedAtMs }) => firedAtMs)) - holdMs;
  const kept = await keptTransitions(perhaps, atMs, ports.state);
  const request = { config, rules, targets: withOldTargets(targets, incident, kept), fromMs, toMs: atMs };
  // Round by round, as alerts in state have the value of the round that changed them last.
  const tickMs = leastOf(config.checks.map(({ everyMs }) => everyMs));
  const longestSliceMs = Math.max(tickMs, (atMs - fromMs) / MOST_ROUNDS);
  const history = await runHistory(request, { ...ports, longestSliceMs, store: asOf(ports.store, atMs) });
  const found = new Map(episodesOf(history.transitions, -Infinity).map((one) => [episodeOf(one), one]));
  const endOf = ({ episode, alertId, firedAtMs }: (typeof perhaps)[number]) =>
    resolvedOf(alertId, firedAtMs, incident, kept).resolvedAtMs ?? found.get(episode)?.resolvedAtMs;
  const episodes = perhaps.filter((one) => wasInMessage(message, one.episode, endOf(one)));
  const alerts = episodes.map(({ episode, alertId, firedAtMs, status }): ReplayedAlert => {
    const again = found.get(episode);
    const sent = { firedAtMs, ...(status === 'resolved' && resolvedOf(alertId, firedAtMs, incident, kept)) };
    const isSame = again !== undefined && sameEnd(status, sent, again);
    const rule = rules.find(({ name }) => isOf(alertId, name))?.name ?? alertId;
    return { ...{ episode, rule, status, sent, isSame }, ...(again && { replayed: verdictOf(again) }) };
  });
  const notes = await notesOf({ alerts, rules, message, incident }, request, history.coverage, ports.store);
  const shown = alerts.flatMap(({ episode, status }) => {
    const again = found.get(episode);
    return again ? [alertOf(again, status, incident, kept)] : [];
  });
  const rest = { message, alerts, isSame: alerts.every(({ isSame }) => isSame), notes };
  if (shown.length === 0) return rest;
  const current = await valuesThen(shown, incident, history.open, { config, atMs, ports });
  const { timeZone } = config.schedule;
  const notification = rebuildNotification({
    message,
    incident,
    alerts: shown,
    current,
    statuses: [],
    timeZone,
  });
  const picture = orderPicture(notification, incident, config);
  return { ...rest, notification, ...(picture && { picture }) };
}

/** A message that says firing is as good as the samples that it had: the end may lie in the very round. */
function sameEnd(status: ReplayedAlert['status'], sent: Verdict, again: Episode): boolean {
  if (status === 'firing') return true;
  return again.resolvedAtMs !== undefined && again.resolvedAtMs === (sent.resolvedAtMs ?? again.resolvedAtMs);
}

function verdictOf({ firedAtMs, resolvedAtMs, labels }: Episode): NonNullable<ReplayedAlert['replayed']> {
  return { firedAtMs, labels, ...(resolvedAtMs !== undefined && { resolvedAtMs }) };
}

/** The alert as its incident had it when the message was sent. */
function alertOf(
  {
    alertId,
    rule,
    labels,
    sinceMs,
    firedAtMs,
    resolvedAtMs,
    clearedAtMs,
    reason,
    endReason,
    value,
    endValue,
  }: Episode,
  status: ReplayedAlert['status'],
  { rules }: Incident,
  kept: readonly Transition[],
): IncidentAlert {
  const inventoryLabels = kept.find((one) => one.alertId === alertId && one.inventoryLabels)?.inventoryLabels;
  const severity = rules[rule]?.severity ?? 'warning';
  const known = {
    alertId,
    rule,
    severity,
    labels,
    ...(inventoryLabels && { inventoryLabels }),
    sinceMs,
    firedAtMs,
  };
  if (status === 'firing') return { ...known, status, reason, ...(value !== undefined && { value }) };
  return {
    ...{ ...known, status, reason: endReason ?? reason, firedReason: reason },
    ...(resolvedAtMs !== undefined && { resolvedAtMs }),
    ...(clearedAtMs !== undefined && { clearedAtMs }),
    ...(endValue !== undefined && { value: endValue }),
  };
}

/** The values that the message showed, by the samples up to its time. */
async function valuesThen(
  alerts: readonly IncidentAlert[],
  incident: Incident,
  open: readonly Alert[],
  { config, atMs, ports }: { config: ReplayConfig; atMs: number; ports: ReplayPorts },
) {
  const { logger, meter } = ports;
  return currentStates(
    {
      ...{ incident, alerts, config },
      alertsOf: async (rule) => new Map(open.filter((one) => one.rule === rule).map((one) => [one.id, one])),
      signal: new AbortController().signal,
    },
    {
      ...{ logger, meter, store: asOf(ports.store, atMs), clock: { nowMs: () => atMs } },
      secrets: { redact: (text) => text },
      // Nothing hurries: a message of the past waits for its values.
      sleep: () => new Promise(() => {}),
    },
  );
}

/** The store as it was then, as far as its samples had come. */
export function asOf<T extends Pick<SampleStore, 'query'>>(store: T, atMs: number) {
  const query: SampleStore['query'] = (asked) => store.query({ ...asked, toMs: Math.min(asked.toMs, atMs) });
  const latest: SampleStore['latest'] = async ({ sinceMs, ...asked }) =>
    (await query({ ...asked, fromMs: sinceMs, toMs: atMs })).map(({ metric, labels, points }) => ({
      ...{ metric, labels, points: points.slice(-1) },
    }));
  return { ...store, query, latest };
}

async function notesOf(
  {
    alerts,
    rules,
    message,
    incident,
  }: { alerts: readonly ReplayedAlert[]; rules: readonly Rule[]; message: PastMessage; incident: Incident },
  { config, targets }: { config: ReplayConfig; targets: readonly Target[] },
  coverage: Awaited<ReturnType<typeof runHistory>>['coverage'],
  store: ReplayPorts['store'],
): Promise<string[]> {
  const notes: string[] = [];
  const intervals = createIntervals(config.checks, targets);
  if (alerts.some(({ isSame }) => !isSame)) {
    for (const metric of new Set(rules.flatMap(metricsOf))) {
      for (const gap of coverage.gaps(metric, intervals.longest(metric, [])).slice(0, 1)) {
        const { left } = await describeGap(store, metric, gap);
        notes.push(
          left === 'roll-ups' ? `only roll-ups of ${metric} are left` : `samples of ${metric} are missing`,
        );
      }
    }
    if (notes.length === 0)
      notes.push('samples came late, the rule had just changed, or checks and inventory are others today');
  }
  const unnamed = alerts.filter(({ rule }) => incident.rules[rule] === undefined);
  if (unnamed.length > 0) notes.push('the incident no longer has the rule of an alert');
  const failing = describesFailures(
    incident,
    alerts.map(({ rule }) => ({ rule }) as IncidentAlert),
  );
  if (failing) notes.push('why probes failed then is not stored: the text lacks it');
  if (message.delivery.picture === 'none') notes.push('the message had no picture');
  return notes;
}

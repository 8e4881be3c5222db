import type { NotificationAlert } from '../../core/model/notification.ts';
import { clockText } from './fixture.ts';
import type { Violations } from './invariants.ts';
import type { Post } from './services.ts';
import type { Episode, Truth } from './truth.ts';

/** The longest time from a decision to its request, and from an answer to its record. */
const SENDING_MS = 30_000;

/** Messages are true, one number has one content, and nothing is news twice. */
export function checkContent(truth: Truth, violated: Violations): void {
  checkFacts(truth, violated);
  checkNumbers(truth, violated);
  checkNews(truth, violated);
}

function checkFacts(truth: Truth, violated: Violations): void {
  for (const { notification, channel, atMs } of truth.posts) {
    const about = `${notification.key} to ${channel} at ${clockText(atMs)}`;
    const firing = notification.alerts.some(({ status }) => status === 'firing');
    if (firing !== (notification.status === 'firing')) violated('a message has a false status', about);
    const ids = notification.alerts.map((alert) => `${alert.alertId}@${alert.firedAtMs}`);
    if (new Set(ids).size < ids.length) violated('a message names one firing twice', about);
    for (const alert of notification.alerts) {
      const episode = truth.byId.get(`${alert.alertId}@${alert.firedAtMs}`);
      if (!episode) violated('a message has a firing that state does not have', `${alert.rule} ${about}`);
      else for (const wrong of falseFacts(alert, episode, truth)) violated(wrong, about);
    }
  }
}

function falseFacts(alert: NotificationAlert, episode: Episode, truth: Truth): string[] {
  const wrong: string[] = [];
  if (alert.sinceMs !== episode.fired.sinceMs) wrong.push('a false time: since');
  if (alert.status === 'resolved') {
    if (alert.resolvedAtMs !== episode.resolved?.atMs) wrong.push('a false time: resolved');
    if (alert.value !== episode.resolved?.value) wrong.push('a false value: not the one it ended with');
    if (alert.clearedAtMs !== episode.resolved?.clearedAtMs) wrong.push('a false time: cleared');
  } else if (alert.resolvedAtMs !== undefined) wrong.push('a firing alert with a time of its end');
  if (alert.value !== undefined && !wasSeen(alert.value, episode, truth)) wrong.push('a false value');
  return wrong;
}

/** Whether the alert's series, or one of its group, had that value. */
function wasSeen(value: number, { rule, labels }: Episode, { fixture }: Truth): boolean {
  const metrics = fixture.configs.flatMap(({ config }) =>
    config.rules.filter(({ name }) => name === rule).map(({ metric }) => metric),
  );
  return [...new Set(metrics)].some((metric) =>
    fixture.store
      .seriesOf(metric)
      .filter((series) => Object.entries(labels).every(([name, text]) => series.labels[name] === text))
      .some(({ points }) => points.some((point) => point.value === value)),
  );
}

const contentOf = ({ notification }: Post) => notification.alerts.map(sentOf).sort().join(', ');

function checkNumbers({ posts }: Truth, violated: Violations): void {
  for (const [key, same] of Map.groupBy(posts, ({ notification }) => notification.key)) {
    const contents = new Set(same.map(contentOf));
    if (contents.size > 1) violated('one number, two contents', key);
  }
}

/** News are the alerts that the channel has not accepted before according to its records, and all of them. */
function checkNews({ posts, isRecorded }: Truth, violated: Violations): void {
  for (const [channel, own] of Map.groupBy(posts, (post) => post.channel)) {
    const taken = new Map<string, { key: string; atMs: number }[]>();
    const sent = own.filter((post) => post.outcome && post.outcome.kind !== 'failed' && isRecorded(post));
    for (const { notification, outcome } of sent) {
      const { key } = notification;
      for (const shownText of notification.alerts.map(sentOf))
        taken.set(shownText, [...(taken.get(shownText) ?? []), { key, atMs: outcome?.atMs ?? Infinity }]);
    }
    for (const { notification, atMs } of own) {
      const { key, reason } = notification;
      for (const alert of notification.alerts) {
        const shownText = sentOf(alert);
        const about = `${key} to ${channel} at ${clockText(atMs)} (${reason}): ${alert.rule} ${shownText}`;
        const before = taken.get(shownText) ?? [];
        // When nobody knows whether a message was accepted, it is tried again under the same number.
        if (alert.news && before.some((one) => one.key !== key && one.atMs < atMs - SENDING_MS))
          violated('sent again as news', about);
        if (!alert.news && before.every((one) => one.atMs > atMs))
          violated('sent for the first time, and not as news', about);
      }
    }
  }
}

const sentOf = ({ alertId, firedAtMs, status }: NotificationAlert) => `${alertId}@${firedAtMs} ${status}`;

import type { NotificationAlert } from '../../core/notify/model.ts';
import type { Violations } from './invariants.ts';
import type { Post } from './services.ts';
import type { Episode, Truth } from './truth.ts';
import { clockText } from './world.ts';

/** What messages say is true, says one thing under one number, and says nothing twice as news. */
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
      if (!episode) violated('a message tells of a firing that never was', `${alert.rule} ${about}`);
      else for (const wrong of falseFacts(alert, episode, truth)) violated(wrong, about);
    }
  }
}

function falseFacts(alert: NotificationAlert, episode: Episode, truth: Truth): string[] {
  const wrong: string[] = [];
  if (alert.sinceMs !== episode.fired.sinceMs) wrong.push('a false time: since');
  if (alert.status === 'resolved') {
    if (alert.resolvedAtMs !== episode.resolved?.atMs) wrong.push('a false time: resolved');
    if (alert.clearedAtMs !== episode.resolved?.clearedAtMs) wrong.push('a false time: cleared');
  } else if (alert.resolvedAtMs !== undefined) wrong.push('a firing alert with a time of its end');
  if (alert.value !== undefined && !wasSeen(alert.value, episode, truth)) wrong.push('a false value');
  return wrong;
}

/** Whether that was a value of the alert's series, or of one of its group. */
function wasSeen(value: number, { rule, labels }: Episode, { world }: Truth): boolean {
  const metrics = world.configs.flatMap(({ config }) =>
    config.rules.filter(({ name }) => name === rule).map(({ metric }) => metric),
  );
  return [...new Set(metrics)].some((metric) =>
    world.store
      .seriesOf(metric)
      .filter((series) => Object.entries(labels).every(([name, text]) => series.labels[name] === text))
      .some(({ points }) => points.some((point) => point.value === value)),
  );
}

const contentOf = ({ notification }: Post) =>
  notification.alerts
    .map(({ alertId, firedAtMs, status }) => `${alertId}@${firedAtMs} ${status}`)
    .sort()
    .join(', ');

function checkNumbers({ posts }: Truth, violated: Violations): void {
  for (const [key, same] of Map.groupBy(posts, ({ notification }) => notification.key)) {
    const contents = new Set(same.map(contentOf));
    if (contents.size > 1) violated('one number, two contents', key);
  }
}

/** What a channel took, and what its record says so, is not sent to it again as news. */
function checkNews({ posts, isRecorded }: Truth, violated: Violations): void {
  for (const [channel, own] of Map.groupBy(posts, (post) => post.channel)) {
    const known = new Map<string, { key: string; atMs: number }>();
    for (const post of own) {
      const { notification, atMs } = post;
      const { key } = notification;
      const news = newsOf(post);
      const before = news.map((id) => known.get(id));
      const stale = before.filter((one) => one !== undefined && one.key !== key && one.atMs < atMs);
      if (news.length > 0 && stale.length === news.length) {
        violated('sent again as news', `${key} to ${channel} at ${clockText(atMs)} (${notification.reason})`);
      }
      if (post.outcome && post.outcome.kind !== 'failed' && isRecorded(post)) {
        for (const { alertId, firedAtMs, status } of notification.alerts) {
          const id = `${alertId}@${firedAtMs} ${status}`;
          if (!known.has(id)) known.set(id, { key, atMs: post.outcome.atMs });
        }
      }
    }
  }
}

/** What the message itself calls new; a reminder calls nothing so. */
function newsOf({ notification }: Post): string[] {
  if (notification.reason === 'repeat') return [];
  const marked = notification.alerts as readonly (NotificationAlert & { news?: boolean })[];
  const told = marked.some(({ news }) => news !== undefined) ? marked.filter(({ news }) => news) : marked;
  return told.map(({ alertId, firedAtMs, status }) => `${alertId}@${firedAtMs} ${status}`);
}

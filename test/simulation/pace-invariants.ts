import type { Route } from '../../core/model/route.ts';
import { clockText } from './fixture.ts';
import type { Violations } from './invariants.ts';
import { END } from './plan.ts';
import type { Post } from './services.ts';
import { MINUTE, SECOND } from './timeline.ts';
import { nameOf, type Truth } from './truth.ts';

/** The longest delay of a reminder, without faults and with faults of state, clock or processes. */
const LATE_MS = 15 * MINUTE;
const LATE_WITH_FAULTS_MS = 75 * MINUTE;
/** A service gets the next request within this time, however long it asks to wait. */
const LONGEST_WAIT_MS = 10 * MINUTE;
/** The longest time from taking a slot to sending the message, with its reads and writes. */
const ON_ITS_WAY_MS = 10 * SECOND;

/** When messages come: not too often, reminders in time, and not before the time for which a service asked to wait. */
export function checkPace(truth: Truth, violated: Violations): void {
  checkRecords(truth, violated);
  checkWaits(truth, violated);
  for (const own of Map.groupBy(truth.posts, ({ notification }) => notification.incidentId).values())
    checkIntervals(own, truth, violated);
  for (const own of Map.groupBy(truth.posts, ({ channel }) => channel).values())
    checkReminders(own, truth, violated);
}

/** The outcome of each request is recorded, if its sender was able to write it. */
function checkRecords({ posts, hasDelivery, isDisturbed }: Truth, violated: Violations): void {
  for (const post of posts) {
    const { outcome, notification, channel, answer } = post;
    if (!outcome || outcome.atMs > END - MINUTE || hasDelivery(post)) continue;
    if (isDisturbed(post.atMs - MINUTE, outcome.atMs + MINUTE)) continue;
    violated(
      'the outcome of a request has no record',
      `${notification.key} to ${channel} at ${clockText(post.atMs)} (${answer.mood})`,
    );
  }
}

/**
 * A service gets no request before the end of the wait that it asked for, from any message, channel or process; except
 * messages that were on their way when its answer came.
 */
function checkWaits(truth: Truth, violated: Violations): void {
  for (const [service, posts] of Map.groupBy(truth.posts, (post) => post.service)) {
    for (const [i, post] of posts.entries()) {
      const { outcome, answer } = post;
      if (!outcome || answer.askedMs === undefined || !truth.hasDelivery(post)) continue;
      const waitMs = Math.min(answer.askedMs, LONGEST_WAIT_MS - MINUTE);
      const early = posts.slice(i + 1).find((next) => {
        if (next.atMs >= post.atMs + waitMs - SECOND) return false;
        const isSame = next.notification.key === post.notification.key && next.channel === post.channel;
        return isSame || next.atMs > outcome.atMs + ON_ITS_WAY_MS;
      });
      if (!early || truth.isDisturbed(post.atMs - MINUTE, early.atMs)) continue;
      const seconds = (ms: number) => `${Math.round(ms / SECOND)} s`;
      violated(
        'a service is asked again before its time',
        `${service}, by ${early.notification.key} at ${clockText(early.atMs)}: ${seconds(early.atMs - post.atMs)} instead of ${seconds(waitMs)} after ${post.notification.key}`,
      );
    }
  }
}

const isTaken = (post: Post, { isRecorded }: Truth) =>
  post.outcome !== undefined && post.outcome.kind !== 'failed' && isRecorded(post);

/** The route, if it did not change in that time; otherwise undefined. */
function routeWithin(name: string, truth: Truth, fromMs: number, toMs: number): Route | undefined {
  const { configs } = truth.fixture;
  const inForce = configs.filter(
    (one, i) => one.fromMs <= toMs && (configs[i + 1]?.fromMs ?? Infinity) >= fromMs,
  );
  const routes = inForce.map(({ config }) => config.routes.find((route) => route.name === name));
  return routes.every((route) => route !== undefined) ? routes[0] : undefined;
}

/**
 * One incident has one message per groupInterval, besides that one early resolved, and reminders after repeatInterval.
 */
function checkIntervals(own: readonly Post[], truth: Truth, violated: Violations): void {
  const { wallAt } = truth.fixture;
  const keys = new Set<string>();
  let last: Post | undefined;
  let earlyMs = -Infinity;
  for (const post of own) {
    const { notification, channel, atMs } = post;
    const isEnd = notification.status === 'resolved';
    const before = last?.outcome;
    const route = last && routeWithin(notification.route, truth, last.atMs, atMs);
    if (last && before && route && !keys.has(notification.key) && before.atMs < atMs) {
      // When the clock was set back, the time on it looks shorter than it was.
      const sinceMs = Math.max(notification.atMs - wallAt(before.atMs), atMs - before.atMs);
      const about = `${notification.key} to ${channel} at ${clockText(atMs)}, ${Math.round(sinceMs / SECOND)} s after`;
      // An edit may have moved all alerts of the group that were sent to another group.
      const isLeft = notification.reason === 'first' && truth.isDecidedAgain(last.atMs, atMs);
      const isNewGroup = last.notification.status === 'resolved' || isLeft;
      const isEarly = isEnd && notification.atMs >= earlyMs + route.groupIntervalMs;
      if (sinceMs < route.groupIntervalMs && !isNewGroup && !isEarly)
        violated('a second message within groupInterval', about);
      if (notification.reason === 'repeat' && sinceMs < route.repeatIntervalMs)
        violated('a reminder before its time', about);
      if (sinceMs < route.groupIntervalMs && isEnd && isTaken(post, truth)) earlyMs = wallAt(post.atMs);
    }
    keys.add(notification.key);
    if (isTaken(post, truth)) last = post;
  }
}

/** After repeatInterval a channel gets a firing alert again. */
function checkReminders(own: readonly Post[], truth: Truth, violated: Violations): void {
  for (const [i, post] of own.entries()) {
    const { notification, channel } = post;
    if (!isTaken(post, truth)) continue;
    for (const alert of notification.alerts) {
      const episode = truth.byId.get(`${alert.alertId}@${alert.firedAtMs}`);
      if (!episode || alert.status !== 'firing' || episode.superseded) continue;
      const atMs = post.outcome?.atMs ?? post.atMs;
      const route = truth
        .channelsOf(episode, truth.configAt(post.atMs))
        .find((one) => one.channel === channel)?.route;
      if (route?.name !== notification.route) continue;
      const dueMs = atMs + route.repeatIntervalMs;
      const late = truth.isDisturbed(atMs, dueMs + LATE_MS) ? LATE_WITH_FAULTS_MS : LATE_MS;
      const byMs = dueMs + late;
      if (byMs > Math.min(END, episode.resolvedSeenMs) || truth.isDecidedAgain(atMs, byMs)) continue;
      if (truth.suppressedWithin(episode, dueMs - LATE_MS, byMs)) continue;
      const sent = own
        .slice(i + 1)
        .some((next) => next.atMs <= byMs && next.notification.alerts.some((one) => isSame(one, alert)));
      if (!sent)
        violated('a reminder does not come', `${nameOf(episode)} to ${channel} by ${clockText(byMs)}`);
    }
  }
}

const isSame = (a: { alertId: string; firedAtMs: number }, b: { alertId: string; firedAtMs: number }) =>
  a.alertId === b.alertId && a.firedAtMs === b.firedAtMs;

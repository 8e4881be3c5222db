import { episodeOf } from '../../core/notify/episode.ts';
import type { StateStore } from '../../core/ports.ts';
import { readUndelivered } from '../../core/stages/undelivered.ts';
import { clockText, NEVER_ABORTED, type SimulationFixture } from './fixture.ts';
import type { Violations } from './invariants.ts';
import { END } from './plan.ts';
import { MINUTE } from './timeline.ts';
import { type Episode, nameOf, type Truth } from './truth.ts';

/** Health must fail when an alert is undelivered for longer. */
const UNDELIVERED_AFTER_MS = 5 * MINUTE;
/** The time between two passes, when health is checked. */
const SLACK_MS = 3 * MINUTE;
const EVERY_MS = 7 * MINUTE;

/** The health at one time. */
export interface HealthSample {
  atMs: number;
  /** The episodes that health calls undelivered, each with the time since when. */
  undelivered: ReadonlyMap<string, number>;
}

/** Asks for the health every few minutes, as monitoring does. */
export async function watchHealth(
  fixture: SimulationFixture,
  state: StateStore,
  healthSamples: HealthSample[],
): Promise<void> {
  while (fixture.timeline.trueMs() < END - EVERY_MS) {
    await fixture.timeline.sleep(EVERY_MS, NEVER_ABORTED);
    const found = (await readUndelivered(fixture.config(), { state, clock: fixture.clock })).undelivered;
    const undelivered = found.map((alert): [string, number] => [episodeOf(alert), alert.dueSinceMs]);
    healthSamples.push({ atMs: fixture.timeline.trueMs(), undelivered: new Map(undelivered) });
  }
}

/** Health must not be ok while an alert is undelivered for too long, and must not list delivered alerts. */
export function checkHealth(
  healthSamples: readonly HealthSample[],
  truth: Truth,
  violated: Violations,
): void {
  const cried = new Set<string>();
  for (const check of healthSamples) {
    for (const episode of truth.episodes) {
      if (isOverdue(episode, check.atMs, truth) && !isCalledIll(check, episode, truth)) {
        violated(
          'health is ok while an alert is undelivered',
          `${nameOf(episode)} at ${clockText(check.atMs)}${sinceText(check, episode)}`,
        );
      }
    }
    for (const id of check.undelivered.keys()) {
      if (cried.has(id)) continue;
      const sent = truth.posts.find(
        (post) =>
          post.outcome?.kind === 'accepted' &&
          post.atMs < check.atMs - 2 * MINUTE &&
          truth.hasDelivery(post) &&
          post.notification.alerts.some((alert) => episodeOf(alert) === id),
      );
      if (!sent) continue;
      cried.add(id);
      violated('health calls an alert undelivered that was delivered', `${id} at ${clockText(check.atMs)}`);
    }
  }
}

function sinceText({ undelivered }: HealthSample, { id }: Episode): string {
  const sinceMs = undelivered.get(id);
  return sinceMs === undefined ? '' : `, called undelivered since ${new Date(sinceMs).toISOString()}`;
}

function isOverdue(episode: Episode, atMs: number, truth: Truth): boolean {
  if (episode.superseded) return false;
  const routes = truth.channelsOf(episode, truth.configAt(atMs)).map(({ route }) => route);
  const groupedMs = Math.max(0, ...routes.map((route) => Math.max(route.groupWaitMs, route.groupIntervalMs)));
  const sinceMs = atMs - UNDELIVERED_AFTER_MS - SLACK_MS - groupedMs;
  if (episode.firedSeenMs > sinceMs || episode.resolvedSeenMs <= atMs) return false;
  if (
    truth.posts.some(
      (post) =>
        post.answer.shown &&
        post.atMs <= atMs &&
        post.notification.alerts.some((alert) => episodeOf(alert) === episode.id),
    )
  )
    return false;
  const { plan } = truth.fixture;
  // After the clock was set back, less time has passed on it.
  if (plan.clockSteps.some((step) => step.byMs < 0 && step.atMs >= sinceMs && step.atMs <= atMs))
    return false;
  // A process that is down answers no question about its health.
  const isDown = (ms: number) => ms >= episode.firedSeenMs && ms <= atMs;
  if (plan.kind === 'sqlite' && truth.fixture.crashes.some(isDown)) return false;
  if (truth.fixture.configs.some(({ fromMs }) => fromMs > sinceMs && fromMs <= atMs)) return false;
  return routes.length > 0 && !truth.suppressedWithin(episode, sinceMs, atMs);
}

function isCalledIll({ atMs, undelivered }: HealthSample, { id }: Episode, { fixture }: Truth): boolean {
  const sinceMs = undelivered.get(id);
  return sinceMs !== undefined && fixture.wallAt(atMs) - sinceMs >= UNDELIVERED_AFTER_MS - MINUTE;
}

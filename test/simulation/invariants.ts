import { checkContent } from './content-invariants.ts';
import { clockText } from './fixture.ts';
import { checkPace } from './pace-invariants.ts';
import { END } from './plan.ts';
import { checkQuiet } from './quiet-invariants.ts';
import type { Post } from './services.ts';
import { HOUR, MINUTE } from './timeline.ts';
import { type Episode, nameOf, type Truth } from './truth.ts';
import { checkValues } from './value-invariants.ts';
import { checkVerdicts } from './verdicts.ts';

/** A message may show what was true this long ago: a fan-out, a message on its way, a table with a delay. */
const STALE_MS = 4 * MINUTE;
/** The most requests with one key to one service within an hour. */
const MOST_TRIES_AN_HOUR = 60;

/**
 * An alert that was withheld until this long ago had enough time to be sent: a check each minute, and groupInterval.
 */
const FREED_MS = 12 * MINUTE;
/** The most failing passes of a notifier. */
const MOST_FAILURES_A_MINUTE = 120;

export type Violations = (what: string, about: string) => void;

/** Checks everything that must hold after a schedule. */
export function checkInvariants(truth: Truth, violated: Violations): void {
  const messages = seenMessages(truth);
  for (const episode of truth.episodes) {
    if (episode.superseded) truth.fixture.count('episode: superseded');
    else if (episode.resolved) checkEnded(episode, messages, truth, violated);
    else checkFiring(episode, messages, truth, violated);
  }
  checkNothingFiresAfterItsEnd(truth, violated);
  checkTries(truth, violated);
  checkContent(truth, violated);
  checkValues(truth, violated);
  checkQuiet(truth, violated);
  checkPace(truth, violated);
  checkVerdicts(truth, violated);
}

interface SeenMessages {
  /** The message that people saw, by channel and episode. */
  seen(channel: string, episode: Episode, status: 'firing' | 'resolved'): Post | undefined;
  /** People saw the message, and the sender knows that. */
  accepted(channel: string, episode: Episode, status: 'firing' | 'resolved'): Post | undefined;
  channels(episode: Episode): string[];
}

function seenMessages({ posts, hasDelivery }: Truth): SeenMessages {
  const seen = new Map<string, Post>();
  const accepted = new Map<string, Post>();
  const channels = new Map<string, Set<string>>();
  const key = (channel: string, id: string, status: string) => `${channel} ${id} ${status}`;
  for (const post of posts) {
    if (!post.answer.shown) continue;
    for (const { alertId, firedAtMs, status } of post.notification.alerts) {
      const id = `${alertId}@${firedAtMs}`;
      seen.set(key(post.channel, id, status), post);
      if (post.outcome?.kind === 'accepted' || (post.outcome?.kind === 'unclear' && hasDelivery(post)))
        accepted.set(key(post.channel, id, status), post);
      channels.set(id, (channels.get(id) ?? new Set()).add(post.channel));
    }
  }
  return {
    seen: (channel, { id }, status) => seen.get(key(channel, id, status)),
    accepted: (channel, { id }, status) => accepted.get(key(channel, id, status)),
    channels: ({ id }) => [...(channels.get(id) ?? [])],
  };
}

/** Each firing alert was sent to every channel of the current routes, or to a fallback of it. */
function checkFiring(episode: Episode, messages: SeenMessages, truth: Truth, violated: Violations): void {
  if (truth.suppressedAt(episode, END)) return;
  // If its inhibition or silence ended just now, there was not enough time to send it.
  if (truth.suppressedWithin(episode, END - FREED_MS, END)) return;
  for (const { channel } of truth.channelsOf(episode, truth.final)) {
    const sent = fallbacks(channel, truth).some((name) => messages.seen(name, episode, 'firing'));
    if (!sent) violated('a firing alert stays undelivered', `${nameOf(episode)} to ${channel}`);
  }
}

function checkEnded(episode: Episode, messages: SeenMessages, truth: Truth, violated: Violations): void {
  // If it was withheld until just now, there was not enough time to send it.
  if (truth.suppressedWithin(episode, END - FREED_MS, END)) return;
  const today = new Set(truth.final.channels.map(({ name }) => name));
  const isRouted = truth.channelsOf(episode, truth.final).length > 0;
  const wasQuiet = () => truth.suppressedWithin(episode, episode.firedSeenMs, END);
  for (const channel of messages.channels(episode)) {
    const firing = messages.accepted(channel, episode, 'firing');
    if (!firing || messages.seen(channel, episode, 'resolved')) continue;
    if (today.has(channel)) {
      violated('sent as firing, not sent as resolved', `${nameOf(episode)} to ${channel}`);
      continue;
    }
    if (!isRouted) continue;
    const heirs = heirsOf(channel, episode, truth);
    const isSent = (name: string) => messages.seen(name, episode, 'resolved') !== undefined;
    if (messages.channels(episode).some(isSent) && heirs.every((heir) => fallbacks(heir, truth).some(isSent)))
      continue;
    violated(
      'sent as firing to a removed channel, and as resolved to no channel',
      `${nameOf(episode)}, ${channel}`,
    );
  }
  const { firedSeenMs, resolvedSeenMs } = episode;
  const inForce = truth.fixture.configs.filter(
    ({ fromMs }, i, all) => fromMs <= END && (all[i + 1]?.fromMs ?? Infinity) > firedSeenMs,
  );
  const named = inForce.map(({ config }) => truth.channelsOf(episode, config).map(({ channel }) => channel));
  // If its rule was removed before notify had the transition, no channel gets it, and it is counted.
  const lostItsRule = truth.fixture.unrouted.some(({ atMs, rule }) => {
    const then = truth.fixture.configs.findLast(({ fromMs }) => fromMs <= atMs);
    return (
      rule === episode.rule && atMs >= firedSeenMs && !then?.config.rules.some(({ name }) => name === rule)
    );
  });
  if (lostItsRule) return;
  const always = (named[0] ?? []).filter((channel) => named.every((names) => names.includes(channel)));
  for (const channel of new Set(always)) {
    const sent = fallbacks(channel, truth).some(
      (name) => messages.seen(name, episode, 'firing') || messages.seen(name, episode, 'resolved'),
    );
    if (!sent && !wasQuiet())
      violated('it fired and resolved, and a channel got no message', `${nameOf(episode)} to ${channel}`);
  }
  if (messages.channels(episode).length === 0 && named.every((names) => names.length > 0) && !wasQuiet()) {
    violated(
      'it fired and resolved, and no channel got a message',
      `${nameOf(episode)}, over at ${clockText(resolvedSeenMs)}`,
    );
  }
}

/**
 * The channels that must send the resolved for a channel that was removed after the alert resolved: those that routes
 * named at that time, and ever since.
 */
function heirsOf(channel: string, episode: Episode, truth: Truth): string[] {
  const { configs } = truth.fixture;
  const has = ({ config }: (typeof configs)[number]) => config.channels.some(({ name }) => name === channel);
  const since = configs.slice(configs.findLastIndex(has) + 1);
  if (!since[0] || since[0].fromMs < episode.resolvedSeenMs) return [];
  const named = since.map(({ config }) => truth.channelsOf(episode, config).map((one) => one.channel));
  return (named[0] ?? []).filter((name) => named.every((names) => names.includes(name)));
}

/** The channel, and all fallbacks that it ever had. */
function fallbacks(channel: string, { fixture }: Truth): string[] {
  const names = new Set([channel]);
  for (const name of names) {
    for (const { config } of fixture.configs) {
      const fallback = config.channels.find((one) => one.name === name)?.fallback;
      if (fallback !== undefined) names.add(fallback);
    }
  }
  return [...names];
}

function checkNothingFiresAfterItsEnd({ posts, byId }: Truth, violated: Violations): void {
  for (const { atMs, notification, channel } of posts) {
    for (const { alertId, firedAtMs, status } of notification.alerts) {
      const episode = byId.get(`${alertId}@${firedAtMs}`);
      if (!episode || status !== 'firing' || atMs <= episode.resolvedSeenMs + STALE_MS) continue;
      violated('sent as firing after its end', `${nameOf(episode)} to ${channel} at ${clockText(atMs)}`);
    }
  }
}

function checkTries({ posts, fixture }: Truth, violated: Violations): void {
  const { notifyFailures } = fixture;
  const often = notifyFailures.find(
    (atMs, i) => atMs - (notifyFailures[i - MOST_FAILURES_A_MINUTE] ?? -Infinity) < MINUTE,
  );
  if (often !== undefined)
    violated('a process works without a pause', `failures of notify at ${clockText(often)}`);
  for (const [what, tries] of Map.groupBy(
    posts,
    ({ service, notification }) => `${notification.key} to ${service}`,
  )) {
    for (let i = MOST_TRIES_AN_HOUR; i < tries.length; i++) {
      const spanMs = (tries[i] as Post).atMs - (tries[i - MOST_TRIES_AN_HOUR] as Post).atMs;
      if (spanMs >= HOUR) continue;
      violated(
        'a service is flooded',
        `${what}: ${MOST_TRIES_AN_HOUR} tries in ${Math.round(spanMs / MINUTE)} m`,
      );
      break;
    }
  }
}

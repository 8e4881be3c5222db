import type { Config } from '../../core/model/config.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { NotificationAlert } from '../../core/model/notification.ts';
import type { Route } from '../../core/model/route.ts';
import type { Rule } from '../../core/model/rule.ts';
import type { Transition } from '../../core/model/transition.ts';
import type { StateStore } from '../../core/ports.ts';
import { clockText, type SimulationFixture } from './fixture.ts';
import { END } from './plan.ts';
import type { RuntimeSilence } from './runtime-silences.ts';
import type { Post } from './services.ts';
import { HOUR, MINUTE, SECOND, START } from './timeline.ts';

/** One firing of an alert, from state. */
export interface Episode {
  id: string;
  alertId: string;
  rule: string;
  labels: Labels;
  fired: Transition;
  resolved?: Transition;
  /** The true times when state got these transitions. */
  firedSeenMs: number;
  resolvedSeenMs: number;
  /** State has a later firing of the alert without an end of this one. */
  superseded?: true;
}

type Suppressor = 'silence' | 'inhibition';
type AlertOf = Pick<NotificationAlert, 'status'>;

/** What really happened in a schedule; the invariants compare it with what people saw. */
export interface Truth {
  fixture: SimulationFixture;
  episodes: readonly Episode[];
  byId: ReadonlyMap<string, Episode>;
  posts: readonly Post[];
  configAt(trueMs: number): Config;
  final: Config;
  /** The rule at the time of firing, or its current form. */
  ruleOf(episode: Episode, config: Config): Rule | undefined;
  /** The channels that the routes of that configuration name for the alert. */
  channelsOf(episode: Episode, config: Config): { channel: string; route: Route }[];
  /** Suppressed by a silence or by another alert, by any form of its rule. */
  suppressedAt(episode: Episode, trueMs: number): Suppressor | undefined;
  /** Suppressed all that time by every form of its rule, with that status. */
  withheldWithin(episode: Episode, status: AlertOf['status'], fromMs: number, toMs: number): boolean;
  /** State has a record that the channel accepted the message. */
  isRecorded(post: Post): boolean;
  /** State has the outcome of exactly this request. */
  hasDelivery(post: Post): boolean;
  suppressedWithin(episode: Episode, fromMs: number, toMs: number): boolean;
  /** Somebody changed the file or the silences of state, so notify decided everything again. */
  isDecidedAgain(fromMs: number, toMs: number): boolean;
  /** A process died, state failed, or the clock was stepped. */
  isDisturbed(fromMs: number, toMs: number): boolean;
}

/** How often the checks test whether an alert is withheld, as one silence may end when another begins. */
const HOLD_STEP_MS = SECOND / 4;

export async function readTruth(fixture: SimulationFixture, state: StateStore): Promise<Truth> {
  const limit = 100_000;
  const range = { fromMs: START - 3 * HOUR, toMs: END + 3 * HOUR };
  const transitions = await state.listTransitions({ ...range, limit });
  const deliveries = await state.listDeliveries({ limit });
  const episodes = episodesOf(fixture, transitions);
  const { configs } = fixture;
  const final = fixture.config();
  const configAt = (trueMs: number) =>
    (
      configs.findLast(({ fromMs }) => fromMs <= trueMs) ??
      (configs[0] as SimulationFixture['configs'][number])
    ).config;
  const ruleOf = (episode: Episode, config: Config) =>
    config.rules.find(({ name }) => name === episode.rule) ??
    configs
      .map((one) => one.config.rules.find(({ name }) => name === episode.rule))
      .findLast((rule) => rule !== undefined);

  const recorded = new Set(
    deliveries
      .filter(({ outcome }) => outcome === 'delivered')
      .map(({ incidentId, number, channel }) => `${incidentId}:${number} ${channel}`),
  );

  const deliveredBy = (post: Pick<Post, 'notification' | 'channel'>) =>
    `${post.notification.key} ${post.channel}`;
  const requests = new Set(
    deliveries.map(({ incidentId, number, channel, atMs }) => `${incidentId}:${number} ${channel} ${atMs}`),
  );

  function suppressorOf(
    episode: Episode,
    rule: Rule,
    trueMs: number,
    status: AlertOf['status'],
  ): Suppressor | undefined {
    const config = configAt(trueMs);
    const labels: Labels = { ...episode.labels, rule: episode.rule, severity: rule.severity };
    const wallMs = fixture.wallAt(trueMs);
    const silenced = config.silences.some((silence) => {
      const match = (silence as unknown as { match: Record<string, readonly string[]> }).match;
      return silence.fromMs <= wallMs && wallMs < silence.untilMs && matches(match, labels);
    });
    if (silenced) return 'silence';
    if (fixture.runtimeSilences.some((one) => isSilencedBy(one, episode, { labels, trueMs, wallMs, status })))
      return 'silence';
    const { cluster, node } = episode.labels;
    const inhibited = episodes.some(
      (other) =>
        rule.inhibitedBy.includes(other.rule) &&
        other.labels.cluster === cluster &&
        other.labels.node === node &&
        other.firedSeenMs <= trueMs &&
        trueMs < other.resolvedSeenMs,
    );
    return inhibited && status === 'firing' ? 'inhibition' : undefined;
  }

  // The incident keeps the former form of a rule that was removed or edited.
  const forms = new Map<string, Rule[]>();
  for (const { config } of configs) {
    for (const rule of config.rules) {
      const known = forms.get(rule.name) ?? [];
      const isNew = known.every(
        ({ severity, inhibitedBy }) =>
          severity !== rule.severity || `${inhibitedBy}` !== `${rule.inhibitedBy}`,
      );
      forms.set(rule.name, isNew ? [...known, rule] : known);
    }
  }
  const formsOf = ({ rule }: Episode) => forms.get(rule) ?? [];

  function suppressedAt(episode: Episode, trueMs: number): Suppressor | undefined {
    for (const rule of formsOf(episode)) {
      const suppressor = suppressorOf(episode, rule, trueMs, 'firing');
      if (suppressor) return suppressor;
    }
    return undefined;
  }

  function isWithheldAt(episode: Episode, status: AlertOf['status'], trueMs: number): boolean {
    return formsOf(episode).every((rule) => suppressorOf(episode, rule, trueMs, status) !== undefined);
  }

  const isWithin = (times: readonly number[], fromMs: number, toMs: number) =>
    times.some((ms) => ms >= fromMs && ms <= toMs);
  const { plan, runtimeSilences, crashes } = fixture;

  return {
    fixture,
    episodes,
    byId: new Map(episodes.map((episode) => [episode.id, episode])),
    posts: fixture.services.posts,
    configAt,
    final,
    ruleOf,
    suppressedAt,
    withheldWithin(episode, status, fromMs, toMs) {
      for (let atMs = fromMs; atMs < toMs; atMs += HOLD_STEP_MS)
        if (!isWithheldAt(episode, status, atMs)) return false;
      return isWithheldAt(episode, status, toMs);
    },
    isRecorded: (post) => recorded.has(deliveredBy(post)),
    hasDelivery: (post) => requests.has(`${deliveredBy(post)} ${post.notification.atMs}`),
    isDecidedAgain: (fromMs, toMs) =>
      isWithin(
        [
          ...configs.map((one) => one.fromMs),
          ...runtimeSilences.flatMap((one) => [one.fromTrueMs, one.expiredTrueMs ?? one.fromTrueMs]),
        ],
        fromMs,
        toMs,
      ),
    isDisturbed: (fromMs, toMs) =>
      isWithin([...crashes, ...plan.clockSteps.map(({ atMs }) => atMs)], fromMs, toMs) ||
      plan.failures.some((failure) => failure.fromMs <= toMs && failure.toMs >= fromMs),
    suppressedWithin(episode, fromMs, toMs) {
      for (let atMs = fromMs; atMs <= toMs + MINUTE; atMs += MINUTE) {
        if (suppressedAt(episode, Math.min(atMs, toMs))) return true;
      }
      return false;
    },
    channelsOf(episode, config) {
      const rule = ruleOf(episode, config);
      if (!rule) return [];
      const labels: Labels = { ...episode.labels, rule: rule.name, severity: rule.severity };
      const taken: { channel: string; route: Route }[] = [];
      for (const route of config.routes) {
        if (!matches(route.match as Record<string, readonly string[]>, labels)) continue;
        taken.push(...route.channels.map((channel) => ({ channel, route })));
        if (!route.continue) break;
      }
      return taken;
    },
  };
}

function episodesOf(fixture: SimulationFixture, transitions: readonly Transition[]): Episode[] {
  const seen = (transition: Transition) =>
    fixture.committedAt.get(transition.id) ?? fixture.offeredAt.get(transition.id) ?? transition.atMs;
  const episodes: Episode[] = [];
  for (const [alertId, own] of Map.groupBy(transitions, (transition) => transition.alertId)) {
    let open: Episode | undefined;
    for (const transition of own.sort((a, b) => a.atMs - b.atMs)) {
      if (transition.kind === 'firing') {
        if (open) open.superseded = true;
        const { rule, labels } = transition;
        open = {
          id: `${alertId}@${transition.atMs}`,
          alertId,
          rule,
          labels,
          fired: transition,
          firedSeenMs: seen(transition),
          resolvedSeenMs: Infinity,
        };
        episodes.push(open);
      } else if (transition.kind === 'resolved' && open) {
        open.resolved = transition;
        open.resolvedSeenMs = seen(transition);
        open = undefined;
      }
    }
  }
  return episodes;
}

function isSilencedBy(
  silence: RuntimeSilence,
  { alertId, fired }: Episode,
  { labels, trueMs, wallMs, status }: { labels: Labels; trueMs: number; wallMs: number; status: string },
): boolean {
  const { fromTrueMs, expiredTrueMs = Infinity, createdAtMs, untilMs } = silence;
  if (trueMs < fromTrueMs || trueMs >= expiredTrueMs || wallMs < createdAtMs || wallMs >= untilMs)
    return false;
  if (silence.alertId !== undefined)
    return silence.alertId === alertId && fired.sinceMs <= createdAtMs && status === 'firing';
  return Object.entries(silence.match).every(([name, value]) => labels[name] === value);
}

/** Values of a schedule contain no wildcards. */
function matches(match: Readonly<Record<string, readonly string[]>>, labels: Labels): boolean {
  return Object.entries(match).every(([name, values]) => values.includes(labels[name] ?? ''));
}

export function nameOf({ rule, labels, fired }: Episode): string {
  return `${rule}/${labels.node ?? labels.cluster}@${clockText(fired.atMs)}`;
}

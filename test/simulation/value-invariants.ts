import { currentForMs } from '../../core/current.ts';
import type { NotificationAlert } from '../../core/model/notification.ts';
import type { Rule } from '../../core/model/rule.ts';
import { clockText } from './fixture.ts';
import type { Violations } from './invariants.ts';
import type { KeptPoint } from './sample-store.ts';
import type { Post } from './services.ts';
import { HOUR, SECOND } from './timeline.ts';
import type { Episode, Truth } from './truth.ts';

/** The longest time from reading a value to the request with it. */
const SENDING_MS = 30 * SECOND;
/** Deliver does not ask the store for older values. */
const LAST_SEEN_MS = HOUR;
/** In the current round a group may have only few of its members yet. */
const ROUNDS_OF_GROUP = 4;

/** A message about a firing alert shows the newest value, and its time unless that is current. */
export function checkValues(truth: Truth, violated: Violations): void {
  for (const post of truth.posts) {
    for (const alert of post.notification.alerts) {
      const episode = truth.byId.get(`${alert.alertId}@${alert.firedAtMs}`);
      const rule = episode && truth.ruleOf(episode, truth.configAt(post.atMs));
      if (!episode || !rule || alert.status !== 'firing') continue;
      const wrong = rule.aggregate
        ? wrongOfGroup(alert, rule, post, truth)
        : wrongOfNode(alert, { rule, episode, post, truth });
      if (wrong !== undefined)
        violated(wrong, `${alert.rule} ${post.notification.key} at ${clockText(post.atMs)}`);
    }
  }
}

function wrongOfNode(
  { value, valueAtMs, labels, firedAtMs }: NotificationAlert,
  of: { rule: Rule; episode: Episode; post: Post; truth: Truth },
): string | undefined {
  const { rule, episode, post, truth } = of;
  const { atMs } = post.notification;
  const points = truth.fixture.store
    .seriesOf(rule.metric)
    .filter((series) => Object.entries(labels).every(([name, text]) => series.labels[name] === text))
    .flatMap((series) => series.points);
  const newest = newestOf(points, post.atMs - SENDING_MS, post.atMs);
  const found = newest.filter((point) => point.timeMs >= firedAtMs);
  // The store has nothing newer than the firing, or nothing in the range that deliver asks for; then evaluation may
  // still know the value.
  const isNear = (point: KeptPoint) => atMs - point.timeMs < LAST_SEEN_MS && point.timeMs >= firedAtMs;
  const fired = !newest.every(isNear) || newest.length === 0;
  const currentMs = currentForMs(truth.fixture.plan.fleet.everyMs) + SENDING_MS;
  const isTimed = (timeMs: number) =>
    valueAtMs === undefined ? atMs - timeMs <= currentMs : valueAtMs === timeMs;
  if (fired && value === episode.fired.value && isTimed(firedAtMs)) return undefined;
  // A series without samples for long keeps the value and time of its last evaluation.
  const evaluated = points.some(
    ({ timeMs, value: known }) => known === value && timeMs === valueAtMs && timeMs >= firedAtMs,
  );
  if (found.length === 0 && evaluated) return undefined;
  const same = found.filter((point) => point.value === value);
  if (same.length === 0) return 'a false value: not the newest';
  return same.some(({ timeMs }) => isTimed(timeMs)) ? undefined : 'a false time: of the value';
}

/** The points that were the newest at some time in that range. */
function newestOf(points: readonly KeptPoint[], fromMs: number, toMs: number): KeptPoint[] {
  const lastMs = points.reduce(
    (last, { timeMs, writtenMs }) => (writtenMs <= fromMs ? Math.max(last, timeMs) : last),
    -Infinity,
  );
  return points.filter(({ timeMs, writtenMs }) => writtenMs <= toMs && timeMs >= lastMs);
}

/** The value of a group must be one of the last rounds, if these rounds have had samples of all nodes for a while. */
function wrongOfGroup(
  { value, labels }: NotificationAlert,
  { metric }: Rule,
  post: Post,
  { fixture }: Truth,
): string | undefined {
  const { everyMs } = fixture.plan.fleet;
  const fromMs = (Math.floor(post.notification.atMs / everyMs) - ROUNDS_OF_GROUP) * everyMs;
  const toMs = post.atMs - SENDING_MS;
  const series = fixture.store.seriesOf(metric).filter((one) => one.labels.cluster === labels.cluster);
  const recent = series.map(({ points }) => points.filter(({ timeMs }) => timeMs >= fromMs));
  const isWhole = recent.every(
    (points) => points.filter(({ writtenMs }) => writtenMs <= toMs).length >= ROUNDS_OF_GROUP,
  );
  if (!isWhole || recent.flat().some((point) => point.value === value)) return undefined;
  return 'a false value: not the newest';
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceSteps } from '../../test/timelines/reference.ts';
import type { Alert, NoDataPolicy, Point, Rule, Series, Transition } from '../model.ts';
import { evaluate, evaluationRange } from './evaluate.ts';
import type { Checkpoint } from './model.ts';

const MINUTE = 60_000;
const LATENESS = 15 * MINUTE;
const NODE = { cluster: 'blue', node: 'node-1', role: 'etcd' };

/** What a round brought: `undefined` values are lacking, absent ups untried. */
interface World {
  rule: Rule;
  series: { labels: Record<string, string>; points: Point[] }[];
  up: Point[];
  rounds: number;
}

const condition = fc.constantFrom<Pick<Rule, 'condition' | 'recoveryThreshold'>>(
  { condition: { kind: 'above', threshold: 90 } },
  { condition: { kind: 'above', threshold: 90 }, recoveryThreshold: 85 },
  { condition: { kind: 'below', threshold: 88 } },
  { condition: { kind: 'below', threshold: 86 }, recoveryThreshold: 94 },
  { condition: { kind: 'outside', low: 86, high: 94 }, recoveryThreshold: [88, 91] },
  { condition: { kind: 'equals', value: 95 } },
);
const minutes = (...choices: number[]) => fc.constantFrom(...choices.map((m) => m * MINUTE));
const rule = (metric: string, policies: NoDataPolicy[]): fc.Arbitrary<Rule> =>
  fc
    .record({
      condition,
      forMs: minutes(0, 1, 2, 3, 5, 10),
      keepFiringForMs: minutes(0, 1, 2, 5),
      noData: fc.constantFrom(...policies),
    })
    .map(({ condition: chosen, ...rest }) => ({
      name: 'rule',
      title: 'Rule',
      metric,
      where: {},
      severity: 'warning',
      inhibitedBy: [],
      ...chosen,
      ...rest,
    }));

/** Rounds come in stretches, as trouble does: else no hold would ever be long enough. */
const marks = fc
  .array(
    fc.record({
      mark: fc.constantFrom<number | 'lacking' | 'down' | 'untried'>(
        95,
        95,
        95,
        92,
        90,
        87,
        40,
        40,
        'lacking',
        'lacking',
        'down',
        'untried',
      ),
      count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 80 })),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((stretches) =>
    stretches.flatMap(({ mark, count }) => Array.from({ length: count }, () => mark)).slice(0, 160),
  );

const oneSeries = (policies: NoDataPolicy[] = ['keepLast', 'alerting', 'ok']): fc.Arbitrary<World> =>
  fc.record({ rule: rule('mem_usage', policies), marks }).map((drawn) => {
    const points: Point[] = [];
    const up: Point[] = [];
    for (const [i, mark] of drawn.marks.entries()) {
      if (typeof mark === 'number') points.push({ timeMs: i * MINUTE, value: mark });
      if (mark !== 'untried') up.push({ timeMs: i * MINUTE, value: mark === 'down' ? 0 : 1 });
    }
    return { rule: drawn.rule, series: [{ labels: NODE, points }], up, rounds: drawn.marks.length };
  });

/** Two disks of one node, each with its own holes. */
const twoDisks: fc.Arbitrary<World> = fc
  .record({ rule: rule('disk_usage', ['keepLast', 'alerting', 'ok']), a: marks, b: marks })
  .map((drawn) => {
    const rounds = Math.max(drawn.a.length, drawn.b.length);
    const series = [drawn.a, drawn.b].map((list, i) => ({
      labels: { ...NODE, mount: `/${i}` },
      points: list.flatMap((mark, j) =>
        typeof mark === 'number' ? [{ timeMs: j * MINUTE, value: mark }] : [],
      ),
    }));
    const up = Array.from({ length: rounds }, (_, i) => i)
      .filter((i) => drawn.a[i] !== 'untried' || drawn.b[i] !== 'untried')
      .map((i) => ({ timeMs: i * MINUTE, value: drawn.a[i] === 'down' && drawn.b[i] === 'down' ? 0 : 1 }));
    return { rule: drawn.rule, series, up, rounds };
  });

interface Outcome {
  transitions: Transition[];
  alerts: Map<string, Alert>;
  checkpoint: Checkpoint | undefined;
}

/** `arrival` says with which round a sample of a series (or an up, -1) came. */
type Arrival = (series: number, timeMs: number) => number;
const onTime: Arrival = (_, timeMs) => timeMs;

function step(
  world: World,
  before: Outcome,
  nowMs: number,
  options: { arrival?: Arrival; alerts?: boolean } = {},
): Outcome {
  const { arrival = onTime } = options;
  const span = {
    rule: world.rule,
    intervalMs: MINUTE,
    latenessMs: LATENESS,
    checkpoint: before.checkpoint,
    nowMs,
  };
  const { fromMs } = evaluationRange(span);
  const visible = (points: Point[], index: number) =>
    points.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= nowMs && arrival(index, timeMs) <= nowMs);
  const series: Series[] = world.series
    .map(({ labels, points }, i) => ({ metric: world.rule.metric, labels, points: visible(points, i) }))
    .filter(({ points }) => points.length > 0);
  const up = [{ metric: 'up', labels: NODE, points: visible(world.up, -1) }];
  const stored = options.alerts ? { alerts: [...before.alerts.values()] } : {};
  const result = evaluate({ ...span, series, up, targets: [{ labels: NODE }], ...stored });
  const alerts = new Map(before.alerts);
  for (const alert of result.alerts) {
    if (alert.status === 'ok') alerts.delete(alert.id);
    else alerts.set(alert.id, alert);
  }
  return {
    transitions: [...before.transitions, ...result.transitions],
    alerts,
    checkpoint: JSON.parse(JSON.stringify(result.checkpoint)),
  };
}

function installed(world: World): Outcome {
  return step(
    { ...world, series: [], up: [] },
    { transitions: [], alerts: new Map(), checkpoint: undefined },
    -MINUTE,
  );
}

function runAt(
  world: World,
  times: readonly number[],
  options: { arrival?: Arrival; alerts?: boolean } = {},
): Outcome {
  return times.reduce((before, nowMs) => step(world, before, nowMs, options), installed(world));
}

const everyRound = (world: World) => Array.from({ length: world.rounds }, (_, i) => i * MINUTE);
const lastRound = (world: World) => (world.rounds - 1) * MINUTE;
const told = ({ transitions }: Outcome) =>
  transitions.map(({ id, reason, sinceMs, clearedAtMs, value }) => ({
    id,
    reason,
    sinceMs,
    clearedAtMs,
    value,
  }));
const standing = ({ alerts }: Outcome) => [...alerts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Status of each alert as its transitions tell it. */
function statusTold(transitions: readonly Transition[]): Record<string, string> {
  const after = { pending: 'pending', firing: 'firing', resolved: 'ok', cancelled: 'ok' };
  const all = Object.fromEntries(transitions.map(({ alertId, kind }) => [alertId, after[kind]]));
  return Object.fromEntries(Object.entries(all).filter(([, status]) => status !== 'ok'));
}

const delays = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 7, 15), { minLength: 64, maxLength: 64 });
const arrivalBy =
  (late: readonly number[]): Arrival =>
  (series, timeMs) =>
    timeMs + (late[((series + 1) * 17 + timeMs / MINUTE) % late.length] ?? 0) * MINUTE;

/** A store skips a transition that it has. */
function asStored(transitions: readonly Transition[]): Transition[] {
  return [
    ...new Map(transitions.toReversed().map((transition) => [transition.id, transition])).values(),
  ].reverse();
}

const chunks = fc.array(fc.boolean(), { minLength: 160, maxLength: 160 });
const chunked = (world: World, cuts: boolean[]) =>
  everyRound(world).filter((atMs, i) => cuts[i] || atMs === lastRound(world));
const RUNS = { numRuns: 150 };

describe('evaluate', { timeout: 60_000 }, () => {
  it('agrees with the definitions, read over the complete samples', () => {
    fc.assert(
      fc.property(oneSeries(), (world) => {
        const points = world.series[0]?.points ?? [];
        const got = runAt(world, [lastRound(world)]).transitions;
        const wanted = referenceSteps(world.rule, MINUTE, points, world.up);
        expect(
          got.map(({ kind, atMs, reason, sinceMs, clearedAtMs }) => ({
            kind,
            atMs,
            reason,
            sinceMs,
            clearedAtMs,
          })),
        ).toEqual(wanted);
      }),
      { numRuns: 1000 },
    );
  });

  it('never fires before the rule has held', () => {
    fc.assert(
      fc.property(oneSeries(), (world) => {
        const { transitions } = runAt(world, everyRound(world));
        for (const { kind, reason, atMs, sinceMs } of transitions) {
          if (kind === 'firing' && reason === 'threshold')
            expect(atMs - sinceMs).toBeGreaterThanOrEqual(world.rule.forMs);
        }
      }),
      RUNS,
    );
  });

  it('gives the same verdicts in any chunks, evaluated more often, or twice', () => {
    fc.assert(
      fc.property(fc.oneof(oneSeries(), twoDisks), chunks, (world, cuts) => {
        const each = runAt(world, everyRound(world));
        const twice = runAt(
          world,
          everyRound(world).flatMap((atMs) => [atMs, atMs]),
        );
        const some = runAt(world, chunked(world, cuts));
        for (const other of [twice, some]) {
          expect(told(other).sort(byId)).toEqual(told(each).sort(byId));
          expect(standing(other)).toEqual(standing(each));
        }
      }),
      RUNS,
    );
  });

  it('ends in the same state whatever the order of arrival within the lateness, and tells of it', () => {
    fc.assert(
      fc.property(fc.oneof(oneSeries(), twoDisks), delays, fc.boolean(), (drawn, late, alerts) => {
        const world = { ...drawn, rounds: drawn.rounds + 16 };
        const arrival = arrivalBy(late);
        const punctual = runAt(world, everyRound(world));
        const outcome = runAt(world, everyRound(world), { arrival, alerts });
        expect(standing(outcome)).toEqual(standing(punctual));
        expect(statusTold(outcome.transitions)).toEqual(statusTold(punctual.transitions));
        expect(new Set(outcome.transitions.map(({ id }) => id)).size).toBe(outcome.transitions.length);
      }),
      RUNS,
    );
  });

  it('loses no alert when killed again and again while samples arrive late', () => {
    fc.assert(
      fc.property(fc.oneof(oneSeries(), twoDisks), delays, chunks, (drawn, late, killed) => {
        const world = { ...drawn, rounds: drawn.rounds + 16 };
        const arrival = arrivalBy(late);
        const outcome = everyRound(world).reduce((before, nowMs, i) => {
          const after = step(world, before, nowMs, { arrival, alerts: true });
          const isLast = nowMs === lastRound(world);
          return killed[i] && !isLast ? { ...after, checkpoint: before.checkpoint } : after;
        }, installed(world));
        const punctual = runAt(world, everyRound(world));
        expect(standing(outcome)).toEqual(standing(punctual));
        expect(statusTold(asStored(outcome.transitions))).toEqual(statusTold(punctual.transitions));
      }),
      RUNS,
    );
  });

  it('emits nothing new when the same round is judged again', () => {
    fc.assert(
      fc.property(fc.oneof(oneSeries(), twoDisks), fc.boolean(), (world, alerts) => {
        const once = runAt(world, everyRound(world), { alerts });
        const again = step(world, once, lastRound(world), { alerts });
        expect(told(again)).toEqual(told(once));
        expect(again.checkpoint).toEqual(once.checkpoint);
      }),
      RUNS,
    );
  });

  it('emits the same ids again when killed between commit and checkpoint', () => {
    fc.assert(
      fc.property(fc.oneof(oneSeries(), twoDisks), fc.nat(), fc.nat({ max: 20 }), (world, at, pause) => {
        const killedMs = (at % world.rounds) * MINUTE;
        const before = runAt(
          world,
          everyRound(world).filter((atMs) => atMs < killedMs),
        );
        const committed = step(world, before, killedMs);
        const nextMs = Math.min(killedMs + pause * MINUTE, lastRound(world));
        const lost = { ...committed, transitions: [], checkpoint: before.checkpoint };
        const replayed = step(world, lost, nextMs).transitions.map(({ id }) => id);
        const fresh = committed.transitions.slice(before.transitions.length).map(({ id }) => id);
        expect(replayed).toEqual(expect.arrayContaining(fresh));
        const rest = everyRound(world).filter((atMs) => atMs > nextMs);
        const finished = rest.reduce(
          (outcome, atMs) => step(world, outcome, atMs, { alerts: true }),
          step(world, lost, nextMs, { alerts: true }),
        );
        const ids = new Set([...committed.transitions, ...finished.transitions].map(({ id }) => id));
        expect([...ids].sort()).toEqual(
          runAt(world, everyRound(world))
            .transitions.map(({ id }) => id)
            .sort(),
        );
      }),
      RUNS,
    );
  });
});

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}

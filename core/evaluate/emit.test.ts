import { describe, expect, it } from 'vitest';
import type { AlertStatus } from '../model/alert.ts';
import type { Transition, TransitionKind } from '../model/transition.ts';
import { emit, type FoldedCandidate } from './emit.ts';
import type { Evaluation } from './evaluation.ts';
import type { LastEmitted } from './last-emitted.ts';

/** The round that is evaluated. */
const NOW = 100;
const ALERT = { rule: 'hot', labels: { node: 'n' } };

const stepAt = (kind: TransitionKind, atMs: number) => ({
  kind,
  atMs,
  reason: 'threshold' as const,
  sinceMs: 10,
  value: 95,
});

/** `firing@40` */
const stepsOf = (text: string) =>
  (text === '' ? [] : text.split(' ')).map((token) => {
    const [kind = '', at = ''] = token.split('@');
    return stepAt(kind as TransitionKind, Number(at));
  });

function emitted(last: LastEmitted, steps: string, end: AlertStatus, sinceMs?: number) {
  const known = { labels: ALERT.labels, ...(last.atMs > -Infinity && { last: transitionOf(last) }) };
  const state = { labels: ALERT.labels, status: end, sinceMs, value: 95 };
  const folded = {
    candidate: { known, labels: ALERT.labels, key: '' },
    end: state,
    steps: stepsOf(steps),
    reason: 'revised',
  };
  const evaluation = { input: { rule: { name: ALERT.rule }, nowMs: NOW }, span: { settleMs: NOW } };
  return emit(folded as unknown as FoldedCandidate, evaluation as unknown as Evaluation).transitions;
}

const KIND_OF = { pending: 'pending', firing: 'firing', ok: 'resolved' } as const;
const transitionOf = ({ status, atMs, sinceMs }: LastEmitted) =>
  ({ ...stepAt(KIND_OF[status], atMs), sinceMs }) as Transition;

const summary = (lastEmitted: LastEmitted, steps: string, end: AlertStatus) =>
  emitted(lastEmitted, steps, end)
    .map(({ kind, atMs }) => `${kind}@${atMs}`)
    .join(' ');

const NEVER: LastEmitted = { status: 'ok', atMs: -Infinity };

describe('transitions', () => {
  it.each<[string, LastEmitted, string, AlertStatus, string]>([
    [
      'are all steps of an alert that nobody knows',
      NEVER,
      'pending@20 firing@40',
      'firing',
      'pending@20 firing@40',
    ],
    [
      'are none of what was emitted',
      { status: 'pending', atMs: 20 },
      'pending@20 firing@40',
      'firing',
      'firing@40',
    ],
    ['are none of what is older', { status: 'ok', atMs: 50 }, 'pending@20 firing@40 resolved@45', 'ok', ''],
    ['tell of a new hold', { status: 'pending', atMs: 20 }, 'pending@60', 'pending', 'pending@60'],
    ['have no end without a beginning', NEVER, 'resolved@20 cancelled@30', 'ok', ''],
    ['do not go from firing to pending', { status: 'firing', atMs: 20 }, 'pending@40', 'firing', ''],
    ['do not resolve what only was pending', { status: 'pending', atMs: 20 }, 'resolved@40', 'pending', ''],
    ['do not cancel what fires', { status: 'firing', atMs: 20 }, 'cancelled@40', 'firing', ''],
    ['fire once', { status: 'firing', atMs: 20 }, 'firing@40', 'firing', ''],
    [
      'fire again after an end',
      { status: 'firing', atMs: 20 },
      'resolved@40 firing@60',
      'firing',
      'resolved@40 firing@60',
    ],
    // The round is evaluated again with more samples.
    ['of the same round go on', { status: 'pending', atMs: NOW }, `firing@${NOW}`, 'firing', `firing@${NOW}`],
    ['of the same round end', { status: 'firing', atMs: NOW }, `resolved@${NOW}`, 'ok', `resolved@${NOW}`],
    ['of the same round do not come twice', { status: 'firing', atMs: NOW }, `firing@${NOW}`, 'firing', ''],
    ['of an older round do not go on', { status: 'pending', atMs: 40 }, 'firing@40', 'pending', ''],
  ])('%s', (_what, lastEmitted, steps, end, expected) => {
    expect(summary(lastEmitted, steps, end)).toBe(expected);
  });

  it.each<[string, LastEmitted, AlertStatus, string]>([
    ['an end', { status: 'firing', atMs: 20 }, 'ok', `resolved@${NOW}`],
    ['an end of what was pending', { status: 'pending', atMs: 20 }, 'ok', `cancelled@${NOW}`],
    ['a beginning', NEVER, 'pending', `pending@${NOW}`],
    ['an alert', NEVER, 'firing', `firing@${NOW}`],
    ['an alert after pending', { status: 'pending', atMs: 20 }, 'firing', `firing@${NOW}`],
    ['nothing', { status: 'firing', atMs: 20 }, 'firing', ''],
    // No kind leads back: two, at a time that none of its transitions has yet.
    ['pending after firing', { status: 'firing', atMs: 20 }, 'pending', `resolved@${NOW} pending@${NOW}`],
    [
      'that in a round that was emitted',
      { status: 'firing', atMs: NOW },
      'pending',
      `resolved@${NOW + 1} pending@${NOW + 1}`,
    ],
    ['a beginning in the round of the end', { status: 'ok', atMs: NOW }, 'firing', `firing@${NOW + 1}`],
    ['an end in the round of the beginning', { status: 'firing', atMs: NOW }, 'ok', `resolved@${NOW}`],
    ['an end after a time to come', { status: 'firing', atMs: NOW + 30 }, 'ok', `resolved@${NOW + 31}`],
  ])('catch up where the steps do not: %s', (_what, lastEmitted, end, expected) => {
    expect(summary(lastEmitted, '', end)).toBe(expected);
  });

  it('catch up from the last step', () => {
    expect(summary(NEVER, 'firing@40', 'ok')).toBe(`firing@40 resolved@${NOW}`);
    expect(summary({ status: 'firing', atMs: 20 }, `resolved@${NOW}`, 'firing')).toBe(
      `resolved@${NOW} firing@${NOW + 1}`,
    );
  });

  it('say why they catch up, since when, and the value', () => {
    expect(emitted(NEVER, '', 'firing', 70)).toEqual([
      {
        id: expect.stringMatching(/^hot-.*-firing-70-100$/),
        alertId: expect.stringMatching(/^hot-/),
        rule: 'hot',
        labels: { node: 'n' },
        kind: 'firing',
        atMs: NOW,
        reason: 'revised',
        sinceMs: 70,
        value: 95,
      },
    ]);
    const sinceOf = (lastEmitted: LastEmitted, end: AlertStatus) =>
      emitted(lastEmitted, '', end, 70).map(({ sinceMs }) => sinceMs);
    expect(sinceOf({ status: 'firing', atMs: 20, sinceMs: 15 }, 'ok')).toEqual([15]);
    expect(sinceOf({ status: 'firing', atMs: 20, sinceMs: 15 }, 'pending')).toEqual([15, 70]);
    // Nobody knows since when: since now.
    expect(sinceOf({ status: 'firing', atMs: 20 }, 'ok')).toEqual([NOW]);
  });
});

describe('what the next evaluation needs', () => {
  function outcome(
    last: LastEmitted,
    {
      steps = '',
      end = last.status,
      settled,
      settleMs = NOW,
      alerts,
    }: {
      steps?: string;
      end?: AlertStatus;
      settled?: AlertStatus;
      settleMs?: number;
      alerts?: readonly unknown[];
    },
  ) {
    const { labels } = ALERT;
    const state = { labels, status: end, sinceMs: 5, value: 95 };
    const known = { labels, ...(last.atMs > -Infinity && { last: transitionOf(last) }) };
    const folded = {
      candidate: { known, labels, key: '' },
      settled: settled && { ...state, status: settled },
      end: state,
      steps: stepsOf(steps),
      reason: 'revised',
    };
    const evaluation = { input: { rule: { name: ALERT.rule }, nowMs: NOW, alerts }, span: { settleMs } };
    return emit(folded as unknown as FoldedCandidate, evaluation as unknown as Evaluation);
  }

  it.each<[string, Parameters<typeof outcome>, string | undefined]>([
    [
      'newer than what is settled',
      [
        { status: 'firing', atMs: 60 },
        { settled: 'firing', settleMs: 59 },
      ],
      'firing@60',
    ],
    [
      'settled, and the state says it',
      [
        { status: 'firing', atMs: 60 },
        { settled: 'firing', settleMs: 60 },
      ],
      undefined,
    ],
    [
      'settled, and the state says another',
      [
        { status: 'firing', atMs: 60 },
        { settled: 'pending', end: 'firing' },
      ],
      'firing@60',
    ],
    ['an end, of which nothing is settled', [{ status: 'ok', atMs: 60 }, {}], undefined],
    ['no end, and nothing is settled', [{ status: 'firing', atMs: 60 }, { end: 'firing' }], 'firing@60'],
    ['emitted now', [NEVER, { steps: 'firing@90', end: 'firing', settleMs: 80 }], 'firing@90'],
    // A crash kept its end out of the checkpoint: the store has no alert any more.
    [
      'lost, and its end was emitted',
      [
        { status: 'firing', atMs: 60 },
        { end: 'ok', settleMs: 50, alerts: [] },
      ],
      'resolved@99',
    ],
  ])('is the last transition: %s', (_what, given, expected) => {
    const { last } = outcome(...given);
    expect(last && `${last.kind}@${last.atMs}`).toBe(expected);
  });

  it.each<[string, Partial<Transition>, object | undefined, AlertStatus, string]>([
    ['a cancellation stays one', { kind: 'cancelled', atMs: 60 }, undefined, 'ok', 'cancelled@60'],
    [
      'an alert whose firing a crash kept out of the checkpoint',
      { kind: 'pending', atMs: 60 },
      { status: 'firing', sinceMs: 55, firedAtMs: 80 },
      'firing',
      'firing@80',
    ],
  ])('is the last transition as it was emitted: %s', (_what, last, stored, status, expected) => {
    const { labels } = ALERT;
    const state = { labels, status, sinceMs: 5, value: 95 };
    const folded = {
      candidate: { known: { labels, last: { ...stepAt('firing', 60), ...last }, stored }, labels, key: '' },
      settled: undefined,
      end: state,
      steps: [],
      reason: 'revised',
    };
    const evaluation = { input: { rule: { name: ALERT.rule }, nowMs: NOW }, span: { settleMs: 50 } };
    const outcome = emit(folded as unknown as FoldedCandidate, evaluation as unknown as Evaluation);
    expect(`${outcome.last?.kind}@${outcome.last?.atMs}`).toBe(expected);
  });

  it('is no alert of what is ok, and was', () => {
    expect(outcome(NEVER, {})).toMatchObject({ alert: undefined, transitions: [], last: undefined });
  });

  it('is the alert as it is, or how it ended', () => {
    expect(outcome(NEVER, { end: 'firing' }).alert).toMatchObject({
      rule: 'hot',
      status: 'firing',
      sinceMs: 5,
    });
    expect(outcome({ status: 'firing', atMs: 60 }, { end: 'ok' }).alert).toMatchObject({
      rule: 'hot',
      status: 'ok',
    });
  });
});

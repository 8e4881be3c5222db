import { describe, expect, it } from 'vitest';
import type { TransitionKind } from '../model/transition.ts';
import { lastEmittedOf } from './last-emitted.ts';
import type { Step } from './steps.ts';

/** The round that is evaluated. */
const NOW = 100;
const labels = { node: 'n' };

const stepAt = (kind: TransitionKind, atMs: number): Step => ({
  kind,
  atMs,
  reason: 'threshold',
  sinceMs: 10,
  value: 95,
});

describe('what was emitted of an alert', () => {
  const last = (kind: TransitionKind) => ({ id: '', alertId: '', rule: 'hot', labels, ...stepAt(kind, 40) });
  const open = { labels, status: 'firing' as const, sinceMs: 3, firedAtMs: 5 };
  const state = { labels, status: 'pending' as const, sinceMs: 7, lacking: 0 };
  const stored = { status: 'firing' as const, sinceMs: 30, firedAtMs: 60 };
  const settledTo = (settledToMs: number) => ({ settledToMs, startedAtMs: 50 });

  interface Given {
    known?: object;
    checkpoint?: object;
    steps?: Step[];
    hasAlerts?: boolean;
  }

  function of({ known, checkpoint = settledTo(50), steps = [], hasAlerts }: Given) {
    const times = { checkpoint, nowMs: NOW, alerts: hasAlerts ? [] : undefined };
    return lastEmittedOf({ labels, ...known }, steps, times as Parameters<typeof lastEmittedOf>[2]);
  }

  it.each<[string, Given, object]>([
    ['nothing', {}, { status: 'ok', atMs: -Infinity }],
    [
      'its last transition',
      { known: { last: last('firing'), state } },
      { status: 'firing', atMs: 40, sinceMs: 10, firedAtMs: 40 },
    ],
    [
      'its end',
      { known: { last: last('resolved') } },
      { status: 'ok', atMs: 40, sinceMs: 10, firedAtMs: undefined },
    ],
    [
      'what is settled',
      { known: { state, before: open } },
      { status: 'pending', atMs: -Infinity, sinceMs: 7 },
    ],
    [
      'what was open before the rule began, as long as nothing newer is settled',
      { known: { state, before: open }, checkpoint: settledTo(49) },
      { status: 'firing', atMs: -Infinity, sinceMs: 3, firedAtMs: 5 },
    ],
    [
      'nothing before the rule began',
      { known: { state }, checkpoint: settledTo(49) },
      { status: 'ok', atMs: -Infinity },
    ],
    [
      'the stored alert, which is newer',
      { known: { last: last('pending'), stored }, hasAlerts: true },
      { status: 'firing', atMs: 60 },
    ],
    [
      'the stored alert, not before the last transition',
      { known: { last: last('pending'), stored: { status: 'pending', sinceMs: 30 } }, hasAlerts: true },
      { status: 'pending', atMs: 40, sinceMs: 30 },
    ],
    ['no alert that the store has lost', { hasAlerts: true }, { status: 'ok', atMs: -Infinity }],
    [
      'the end that is found again, of an alert that the store has no more',
      {
        known: { last: last('firing') },
        hasAlerts: true,
        steps: [stepAt('resolved', 30), stepAt('pending', 50), stepAt('resolved', 70)],
      },
      { status: 'ok', atMs: 70 },
    ],
    [
      'an end before now, where none is found again',
      { known: { last: last('firing') }, hasAlerts: true },
      { status: 'ok', atMs: NOW - 1 },
    ],
  ])('is %s', (_what, more, expected) => {
    expect(of(more)).toEqual(expect.objectContaining(expected));
  });
});

import { describe, expect, it } from 'vitest';
import {
  absorb,
  decide,
  delivered,
  n1,
  n2,
  opened,
  REPEAT_MS,
  rule,
  transition,
} from '../../test/incidents.ts';
import type { IncidentAlert } from '../model/incident.ts';
import type { Labels } from '../model/labels.ts';
import type { Transition } from '../model/transition.ts';
import { INHIBITION_RECHECK_MS } from './decide.ts';
import { compileSuppressions } from './suppression.ts';

describe('suppression', () => {
  const inhibited = rule('memory', { inhibitedBy: ['node-down'] });
  const suppressionOf = (firing: { rule: string; labels: Labels }[], nowMs = 5_000) =>
    compileSuppressions({
      rules: { memory: inhibited },
      silences: [{ match: { rule: ['mem*'], node: ['n2'] }, fromMs: 4_000, untilMs: 9_000, comment: '' }],
      firing,
      nowMs,
    });
  const alert = (t: Transition) => opened(t, t.atMs).alerts[0] as IncidentAlert;

  it('is by a firing alert of the same cluster and node only', () => {
    const a = alert(transition('firing', 1_000));
    expect(suppressionOf([{ rule: 'node-down', labels: n1 }])(a)).toEqual({
      by: 'inhibition',
      rule: 'node-down',
    });
    expect(suppressionOf([{ rule: 'node-down', labels: n2 }])(a)).toBeUndefined();
    expect(suppressionOf([{ rule: 'other', labels: n1 }])(a)).toBeUndefined();
  });

  it('is by a higher tier with the very labels of the alert, and not by one of another file or mount', () => {
    const tier = rule('memory', { supersededBy: ['memory.critical'] });
    const labels = { ...n1, mount: '/data' };
    const a = { ...alert(transition('firing', 1_000)), labels };
    const suppressionBy = (firing: Labels) =>
      compileSuppressions({
        rules: { memory: tier },
        silences: [],
        firing: [{ rule: 'memory.critical', labels: firing }],
        nowMs: 5_000,
      })(a);
    expect(suppressionBy(labels)).toEqual({ by: 'inhibition', rule: 'memory.critical' });
    expect(suppressionBy({ ...n1, mount: '/' })).toBeUndefined();
    expect(suppressionBy(n1)).toBeUndefined();
  });

  it('is by a silence within its time', () => {
    const a = alert(transition('firing', 1_000, n2));
    expect(suppressionOf([])(a)).toEqual({ by: 'silence', fromMs: 4_000, untilMs: 9_000 });
    expect(suppressionOf([], 9_000)(a)).toBeUndefined();
    expect(suppressionOf([], 8_999)(a)).toBeDefined();
    expect(suppressionOf([], 4_000)(a)).toBeDefined();
    expect(suppressionOf([], 3_999)(a)).toBeUndefined();
    expect(suppressionOf([])(alert(transition('firing', 1_000)))).toBeUndefined();
  });

  it('is by all silences that cover it: from the first beginning to the last end', () => {
    const silence = (fromMs: number, untilMs: number, node = 'n1') => ({
      match: { node: [node] },
      fromMs,
      untilMs,
      comment: '',
    });
    const suppressionBy = compileSuppressions({
      rules: {},
      silences: [silence(2_000, 7_000), silence(1_000, 6_000), silence(0, 9_000, 'n2'), silence(0, 4_000)],
      firing: [],
      nowMs: 5_000,
    });
    expect(suppressionBy(alert(transition('firing', 1_000)))).toEqual({
      by: 'silence',
      fromMs: 1_000,
      untilMs: 7_000,
    });
  });

  it('is by a silence of state as by one of the file, and by an acknowledgement until it resolves', () => {
    const stored = {
      id: 's',
      alertId: transition('firing', 1_000).alertId,
      matchers: [],
      fromMs: 4_000,
      untilMs: 90_000,
      createdAtMs: 4_000,
      author: 'ann',
      comment: '',
    };
    const suppressionBy = (silence: typeof stored) =>
      compileSuppressions({ rules: { memory: inhibited }, silences: [silence], firing: [], nowMs: 5_000 });
    const a = alert(transition('firing', 1_000));
    expect(suppressionBy(stored)(a)).toEqual({ by: 'silence', fromMs: 4_000, untilMs: 90_000 });
    expect(suppressionBy(stored)({ ...a, status: 'resolved' })).toBeUndefined();
    expect(suppressionBy({ ...stored, fromMs: 6_000 })(a)).toBeUndefined();
    expect(suppressionBy({ ...stored, createdAtMs: a.sinceMs - 1 })(a)).toBeUndefined();
  });

  it('holds an alert back and says it when that ends', () => {
    const incident = opened();
    const silenced = () => ({ by: 'silence', fromMs: 0, untilMs: 9_000 }) as const;
    expect(decide(incident, 1_000, silenced)).toMatchObject({
      kind: 'wait',
      untilMs: 9_000,
      why: 'silenced',
    });
    expect(decide({ ...incident, dueAtMs: 9_000 }, 9_000)).toMatchObject({ kind: 'send', reason: 'first' });
    const by = () => ({ by: 'inhibition', rule: 'node-down' }) as const;
    expect(decide(incident, 1_000, by)).toMatchObject({
      kind: 'wait',
      untilMs: 1_000 + INHIBITION_RECHECK_MS,
    });
  });

  it('reminds of what is silenced only when that ends', () => {
    const incident = delivered(opened(), 1_000);
    const silenced = () => ({ by: 'silence', fromMs: 0, untilMs: 10 * REPEAT_MS }) as const;
    expect(decide(incident, 1_000 + REPEAT_MS, silenced)).toMatchObject({
      kind: 'wait',
      untilMs: 10 * REPEAT_MS,
    });
    expect(decide({ ...incident, dueAtMs: 10 * REPEAT_MS }, 10 * REPEAT_MS)).toMatchObject({
      reason: 'repeat',
    });
  });

  it('never says an alert that began and ended held back', () => {
    const over = absorb(opened(), transition('resolved', 2_000), 2_000);
    const silenced = () => ({ by: 'silence', fromMs: 0, untilMs: 9_000 }) as const;
    expect(decide(over, 2_000, silenced)).toEqual({ kind: 'close', why: 'all has ended' });
  });

  it('withholds the end of an alert that was said, until the silence ends', () => {
    const over = absorb(delivered(opened(), 1_000), transition('resolved', 400_000), 400_000);
    const silenced = () => ({ by: 'silence', fromMs: 0, untilMs: 900_000 }) as const;
    expect(decide(over, 400_000, silenced)).toMatchObject({ kind: 'wait', untilMs: 900_000 });
    expect(decide({ ...over, dueAtMs: 900_000 }, 900_000)).toMatchObject({ reason: 'all-resolved' });
  });
});

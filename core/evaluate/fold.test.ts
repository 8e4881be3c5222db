import { describe, expect, it } from 'vitest';
import type { SeriesState } from '../model/checkpoint.ts';
import type { NoDataPolicy } from '../model/rule.ts';
import { type CompiledRule, compileRule } from './compiled-rule.ts';
import { type FoldInput, fold, type SeriesStart } from './fold.ts';

const labels = { cluster: 'c', node: 'n' };
/** Above 90 for two minutes, ends after two minutes; intervals of a minute, and times in minutes. */
const compiled = (noData: NoDataPolicy = 'keepLast'): CompiledRule =>
  compileRule({
    condition: { kind: 'above', threshold: 90 },
    forMs: 2,
    keepFiringForMs: 2,
    noData,
  } as never);

/** A value each minute from the first on; undefined: no sample. */
const pointsOf = (values: readonly (number | undefined)[]) =>
  values.flatMap((value, timeMs) => (value === undefined ? [] : [{ timeMs, value }]));
const upsOf = (count: number) => Array.from({ length: count }, (_, timeMs) => ({ timeMs, value: 1 }));

function folded(
  values: readonly (number | undefined)[],
  more: Partial<FoldInput> & {
    noData?: NoDataPolicy;
    settleMs?: number;
    toMs?: number;
    start?: SeriesStart;
  } = {},
) {
  const { noData, settleMs = 100, toMs = 100, start, ...input } = more;
  const known = { labels, points: pointsOf(values), ups: [], intervalMs: 1 };
  const given = { ...known, hasTarget: true, expected: true, ...input };
  return fold(compiled(noData), given, { fromMs: -1, settleMs, toMs } as Parameters<typeof fold>[2], start);
}

const stepsOf = (result: ReturnType<typeof folded>) =>
  result.steps.map(({ kind, atMs, reason, sinceMs }) => `${kind}@${atMs} ${reason} since ${sinceMs}`);

describe('the steps of a series', () => {
  it.each<[string, (number | undefined)[], string[]]>([
    ['a value that breaches is pending', [95], ['pending@0 threshold since 0']],
    ['it fires when it held', [95, 95, 95], ['pending@0 threshold since 0', 'firing@2 threshold since 0']],
    [
      'it is cancelled when it did not',
      [95, 95, 50],
      ['pending@0 threshold since 0', 'cancelled@2 threshold since 0'],
    ],
    [
      'a value that is no number is no breach',
      [95, Number.NaN],
      ['pending@0 threshold since 0', 'cancelled@1 threshold since 0'],
    ],
    [
      'it ends when all was well for as long',
      [95, 95, 95, 50, 50, 50],
      ['pending@0 threshold since 0', 'firing@2 threshold since 0', 'resolved@5 threshold since 0'],
    ],
    [
      'a relapse makes it wait anew',
      [95, 95, 95, 50, 50, 95, 50, 50],
      ['pending@0 threshold since 0', 'firing@2 threshold since 0'],
    ],
    [
      'a gap longer than three intervals begins anew',
      [95, 95, undefined, undefined, undefined, 95],
      ['pending@0 threshold since 0', 'pending@5 threshold since 5'],
    ],
    ['nothing happens below', [50, 50], []],
  ])('%s', (_what, values, expected) => {
    expect(stepsOf(folded(values))).toEqual(expected);
  });

  it('end with the end of the span', () => {
    const result = folded([95, 95, 95, 50], { toMs: 1 });
    expect(stepsOf(result)).toEqual(['pending@0 threshold since 0']);
    expect(result.end).toMatchObject({ status: 'pending', sinceMs: 0, seenAtMs: 1, value: 95 });
  });

  it('say the newest value; a value that is no number is none', () => {
    expect(folded([95, Number.NaN]).end).toMatchObject({ status: 'ok', seenAtMs: 1, value: undefined });
  });

  it('let a sample come before the `up` of its time', () => {
    const { end } = folded([95, 95, 95, undefined, undefined, 95], { ups: upsOf(6), noData: 'ok' });
    expect(end).toMatchObject({ status: 'firing', lacking: 0, lackingSinceMs: undefined });
  });

  it.each<[NoDataPolicy, string[]]>([
    ['ok', ['resolved@5 no-data since 0']],
    ['keepLast', []],
    ['alerting', []],
  ])('of what fires and has no data, with `noData: %s`', (noData, expected) => {
    const result = folded([95, 95, 95], { ups: upsOf(6), noData });
    expect(stepsOf(result).slice(2)).toEqual(expected);
  });

  it('of what is ok and has no data fire with `noData: alerting`, until there is a value', () => {
    const result = folded([50, 50, undefined, undefined, undefined, 95, 50, 50, 50], {
      ups: upsOf(9),
      noData: 'alerting',
    });
    expect(stepsOf(result)).toEqual(['firing@4 no-data since 2', 'resolved@8 threshold since 2']);
  });
});

describe('the reason of a state', () => {
  it('is the threshold again where a value breaches after a lack of data', () => {
    const values = [50, 50, undefined, undefined, undefined, 95];
    const lacking = folded(values.slice(0, 5), { ups: upsOf(6), noData: 'alerting' });
    expect(lacking.end).toMatchObject({ status: 'firing', reason: 'no-data' });
    const again = folded(values, { ups: upsOf(6), noData: 'alerting' });
    expect(again.end).toMatchObject({ status: 'firing', reason: 'threshold' });
  });

  it('is the threshold of what is pending after an end for another reason', () => {
    const values = [95, 95, 95, undefined, undefined, undefined, 95];
    const ended = folded(values.slice(0, 6), { ups: upsOf(7), noData: 'ok' });
    expect(ended.end).toMatchObject({ status: 'ok', reason: 'no-data' });
    const again = folded(values, { ups: upsOf(7), noData: 'ok' });
    expect(again.end).toMatchObject({ status: 'pending', reason: 'threshold' });
  });
});

describe('what is settled', () => {
  it('is the state of its time, and later samples do not change it', () => {
    const { settled, end } = folded([95, 95, 95, 50], { settleMs: 1 });
    expect(settled).toMatchObject({ status: 'pending', seenAtMs: 1, run: { lastMs: 1, samples: 2 } });
    expect(end).toMatchObject({ status: 'firing', seenAtMs: 3 });
  });

  it('and the rest, folded in two goes, are the same', () => {
    const values = [50, 95, 95, 95, 50, 95, 50, 50, 50, 95];
    const whole = folded(values);
    for (let settleMs = 0; settleMs < values.length; settleMs++) {
      const first = folded(values, { settleMs, toMs: settleMs });
      const points = pointsOf(values).filter(({ timeMs }) => timeMs > settleMs);
      const second = folded([], {
        points,
        state: first.settled ?? ({ labels, status: 'ok', reason: 'threshold', lacking: 0 } as SeriesState),
      });
      expect([...first.steps, ...second.steps]).toEqual(whole.steps);
    }
  });

  it.each<
    [
      string,
      (number | undefined)[],
      Partial<FoldInput> & { noData?: NoDataPolicy; settleMs: number },
      boolean,
    ]
  >([
    ['nothing of what is ok', [50, 50], { settleMs: 1 }, false],
    ['what is pending', [95, 95], { settleMs: 1 }, true],
    [
      'nothing of what is ok and lacks data, where that does not matter',
      [50],
      { settleMs: 2, ups: upsOf(3) },
      false,
    ],
    ['that it lacks data, under `alerting`', [50], { settleMs: 2, ups: upsOf(3), noData: 'alerting' }, true],
    [
      "a label set beyond the target's own, under `alerting`",
      [50, 50],
      { settleMs: 1, ups: upsOf(2), expected: false, noData: 'alerting' },
      true,
    ],
    [
      'that label set where its next sample is there, too',
      [50, 50, 50],
      { settleMs: 1, ups: upsOf(3), expected: false, noData: 'alerting' },
      true,
    ],
    [
      'nothing of what was never seen, under `alerting`',
      [],
      { settleMs: 1, expected: false, noData: 'alerting' },
      false,
    ],
    [
      'nothing of an expected one whose next sample is there',
      [50, 50, 50],
      { settleMs: 1, ups: upsOf(3), noData: 'alerting' },
      false,
    ],
  ])('holds %s', (_what, values, more, isKept) => {
    expect(folded(values, more).settled !== undefined).toBe(isKept);
  });
});

describe('the first evaluation of a rule', () => {
  const start = (atMs: number, isOpen = false): SeriesStart => ({
    atMs,
    isOpen,
    begin: (state) => ({ state: { ...state, status: 'firing', sinceMs: 1 }, steps: [] }),
  });

  it('replaces the steps before it, and goes on from its state', () => {
    const result = folded([95, 95, 95, 50, 50, 50, 50], { start: start(2) });
    expect(stepsOf(result)).toEqual(['resolved@5 threshold since 1']);
  });

  it('is at its time: a sample of that time comes before it', () => {
    const seen: (number | undefined)[] = [];
    const begin: SeriesStart['begin'] = (state) => {
      seen.push(state.seenAtMs);
      return { state, steps: [] };
    };
    folded([95, 95, 95, 95], { start: { ...start(2), begin } });
    expect(seen).toEqual([2]);
  });

  it('leaves what is settled before it as it was', () => {
    const early = folded([95, 50, 50, 50], { settleMs: 1, start: start(2, true) });
    expect(early.settled).toMatchObject({ status: 'ok', seenAtMs: 1 });
    expect(folded([95, 50, 50, 50], { settleMs: 1, start: start(2, false) }).settled).toBeUndefined();
    expect(folded([95, 50, 50, 95], { settleMs: 2, start: start(2) }).settled).toMatchObject({
      status: 'firing',
    });
  });

  it('leaves what is settled before it as it was, without a sample in between', () => {
    expect(folded([95, 95, 95], { settleMs: 1, start: start(1.5) }).settled).toMatchObject({
      status: 'pending',
      seenAtMs: 1,
    });
  });

  it('keeps what was open only if nothing later is settled', () => {
    const begin: SeriesStart['begin'] = (state) => ({ state, steps: [] });
    const settledAt = (settleMs: number) =>
      folded([50, 50, 50, 50], { settleMs, start: { ...start(2, true), begin } }).settled;
    expect(settledAt(1)).toMatchObject({ status: 'ok', seenAtMs: 1 });
    expect(settledAt(2)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { fitDeadlines, fitLogin, shareBudget } from './deadlines.ts';

const DEFAULTS = { bastionMs: 10_000, dialMs: 5_000, handshakeMs: 10_000, execMs: 15_000 };
const every = (seconds: number) => ({ roundMs: 600_000, expiresAtMs: 600_000 + seconds * 1_000 });

describe('deadlines of a round', () => {
  it.each([60, 90, 3_600, Number.POSITIVE_INFINITY])(
    'are those of the configuration, every %d s',
    (seconds) => {
      expect(fitDeadlines(DEFAULTS, every(seconds))).toBe(DEFAULTS);
    },
  );

  it('are shortened alike where rounds are shorter than a silent node', () => {
    expect(fitDeadlines(DEFAULTS, every(10))).toEqual({
      bastionMs: 10_000,
      dialMs: 1_100,
      handshakeMs: 2_200,
      execMs: 15_000,
    });
  });

  it('are those of the configuration where a silent node just fits into the round', () => {
    const deadlines = { ...DEFAULTS, dialMs: 4_950, execMs: 18_100 };
    // 38 s of 47.5 s.
    expect(fitDeadlines(deadlines, every(47.5))).toBe(deadlines);
  });

  it('follow from the interval, not from when the batch expires', () => {
    const batch = { ...every(120), intervalMs: 30_000 };
    expect(fitDeadlines(DEFAULTS, batch)).toEqual(fitDeadlines(DEFAULTS, every(30)));
  });

  it.each([10, 30, 43])('leave a node no time beyond the round, every %d s', (seconds) => {
    let now = 0;
    const fitted = fitDeadlines(DEFAULTS, every(seconds));
    const deadlines = shareBudget(fitted, every(seconds), () => now, 1)();
    now += 2 * deadlines.dialMs;
    now += deadlines.handshakeMs;
    expect(deadlines.execMs).toBeGreaterThan(seconds * 300);
    expect(now + deadlines.execMs).toBe(seconds * 800);
  });

  it('leave the last phase what quick ones before it did not take', () => {
    const deadlines = shareBudget(fitDeadlines(DEFAULTS, every(10)), every(10), () => 0, 1)();
    expect(deadlines.execMs).toBe(8_000);
  });

  it.each([1, 2, 5])('leave a busy machine what it needs, every %d s', (seconds) => {
    expect(fitDeadlines(DEFAULTS, every(seconds))).toMatchObject({
      dialMs: 1_000,
      handshakeMs: 2_000,
    });
    const short = { ...DEFAULTS, dialMs: 300 };
    expect(fitDeadlines(short, every(seconds)).dialMs).toBe(300);
  });
});

describe('the deadline of a bastion that is one of several', () => {
  it.each([
    [2, 2_000],
    [5, 2_500],
    [10, 5_000],
    [20, 10_000],
    [600, 10_000],
  ])('with %d s of a round is %d ms', (seconds, bastionMs) => {
    expect(fitLogin(DEFAULTS, every(seconds))).toEqual({ ...DEFAULTS, bastionMs });
    expect(fitLogin(DEFAULTS, { ...every(3_600), intervalMs: seconds * 1_000 }).bastionMs).toBe(bastionMs);
  });
});

describe('the deadlines of a node', () => {
  it('are what is left of one budget, however often a script runs', () => {
    let now = 1_000;
    const deadlines = shareBudget(DEFAULTS, every(60), () => now, 1)();
    expect({ ...deadlines }).toEqual({ ...DEFAULTS, leftMs: 35_000 });
    now += 25_000;
    expect({ ...deadlines }).toEqual({ ...DEFAULTS, handshakeMs: 10_000, execMs: 10_000, leftMs: 10_000 });
    now += 9_000;
    const last = { dialMs: 1_000, handshakeMs: 1_000, execMs: 1_000, leftMs: 1_000 };
    expect({ ...deadlines }).toEqual({ ...DEFAULTS, ...last });
    now += 60_000;
    expect({ ...deadlines }).toEqual({ ...DEFAULTS, dialMs: 1, handshakeMs: 1, execMs: 1, leftMs: 1 });
  });

  it.each([
    [5, 4_000],
    [3, 2_400],
    // Shorter rounds may be missed for a silent node: a busy machine needs two seconds.
    [1, 2_000],
  ])('are over before the next round, every %d s', (seconds, budgetMs) => {
    let now = 0;
    const deadlines = shareBudget(fitDeadlines(DEFAULTS, every(seconds)), every(seconds), () => now, 1)();
    now += budgetMs - 1;
    expect(deadlines.execMs).toBe(1);
    expect(Math.max(deadlines.dialMs, deadlines.handshakeMs)).toBe(1);
  });

  it('are whole milliseconds within the share of a check', () => {
    // 8 s for three checks.
    expect(shareBudget(DEFAULTS, every(10), () => 0, 3)().execMs).toBe(2_666);
  });

  it('leave each check its share, whatever the ones before it take', () => {
    let now = 0;
    // 48 s of a minute, for three checks.
    const next = shareBudget(DEFAULTS, every(60), () => now, 3);
    const first = next();
    now += 15_999;
    expect(first.execMs).toBe(1);
    expect(next().execMs).toBe(15_000);
    now += 1_000;
    const last = next();
    expect(last).toMatchObject({ dialMs: 5_000, handshakeMs: 10_000, execMs: 15_000 });
    now += 31_000;
    expect(last.execMs).toBe(1);
  });
});

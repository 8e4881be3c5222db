import { describe, expect, it } from 'vitest';
import { growthOf, steadyGrowthOf } from './memory-trend.ts';

/** Between -1 and 1, always the same. */
const noise = (i: number) => Math.sin(i * 12.9898) * Math.cos(i * 78.233);

const readings = (bytes: (round: number) => number, count = 42) =>
  Array.from({ length: count }, (_, round) => ({ rounds: round, bytes: 50_000 + bytes(round) }));

/** As an allocator grows: by whole pieces. */
const inPieces = (bytes: number) => Math.ceil(bytes / 132) * 132;

describe('steady growth a round', () => {
  it.each([
    ['none', () => 0, 0],
    ['three steps', (round: number) => Math.floor(round / 12) * 8_000, 0],
    ['single readings far off', (round: number) => (round % 10 === 3 ? 50_000 : 0), 0],
    ['a leak', (round: number) => 300 * round, 300],
    ['a leak with three steps', (round: number) => 300 * round + Math.floor(round / 12) * 8_000, 300],
    ['a leak in pieces', (round: number) => inPieces(150 * round), 150],
  ])('%s', (_what, bytes, expected) => {
    expect(Math.abs(steadyGrowthOf(readings(bytes)) - expected)).toBeLessThanOrEqual(30);
  });
});

describe('growth a round', () => {
  it.each([
    ['none', () => 0, 0, 0],
    ['a leak', (round: number) => 300 * round, 300, 300],
    [
      'a leak below noise of ten times as much',
      (round: number) => 300 * round + 3_000 * noise(round),
      300,
      200,
    ],
    ['a leak, and one reading far off', (round: number) => 300 * round + (round === 20 ? 1e9 : 0), 300, 300],
  ])('%s', (_what, bytes, likely, least) => {
    const growth = growthOf(readings(bytes));
    expect(Math.abs(growth.likely - likely)).toBeLessThanOrEqual(50);
    expect(growth.least).toBeLessThanOrEqual(growth.likely);
    expect(growth.least).toBeGreaterThanOrEqual(least);
  });

  it.each([
    ['noise', (round: number) => 10_000 * noise(round)],
    ['a step', (round: number) => (round < 20 ? 0 : 100_000)],
    ['a cache that fills by the third round', (round: number) => Math.min(round, 3) * 100_000],
    ['less and less', (round: number) => -300 * round],
  ])('%s: it is not certain that there is any', (_what, bytes) => {
    expect(growthOf(readings(bytes)).least).toBeLessThanOrEqual(0);
  });

  it('readings of one round say nothing of growth between rounds', () => {
    const once = readings((round) => 300 * round).flatMap((one) => [one, { ...one, bytes: one.bytes + 1e6 }]);
    expect(growthOf(once).likely).toBeCloseTo(300);
  });

  it('three readings prove nothing', () => {
    expect(growthOf(readings((round) => 300 * round, 3)).least).toBe(Number.NEGATIVE_INFINITY);
  });
});

import { describe, expect, it } from 'vitest';
import { createPackedPoints, type PointRow } from './packed-points.ts';

const FIRST_MS = Date.UTC(2026, 10, 24);

function pointsOf(...calls: PointRow[][]) {
  const packed = createPackedPoints();
  for (const rows of calls) packed.add(rows);
  const { indexes, pointsOf: pointsAt } = packed.entries();
  return [...indexes].map(([labelSet, index]) => [labelSet, pointsAt(index)]);
}

describe('packed points', () => {
  it.each<[string, PointRow[][], unknown[]]>([
    ['nothing', [], []],
    ['no rows', [[]], []],
    [
      'series that begin, end and lack rounds, over several calls',
      [
        [
          [7, FIRST_MS, 0.1],
          [3, FIRST_MS, -0],
          [7, FIRST_MS + 1, 0.2],
        ],
        [
          [9, FIRST_MS + 1, 5],
          [7, FIRST_MS + 60_000, Number.MAX_VALUE],
        ],
      ],
      [
        [
          7,
          [
            { timeMs: FIRST_MS, value: 0.1 },
            { timeMs: FIRST_MS + 1, value: 0.2 },
            { timeMs: FIRST_MS + 60_000, value: Number.MAX_VALUE },
          ],
        ],
        [3, [{ timeMs: FIRST_MS, value: -0 }]],
        [9, [{ timeMs: FIRST_MS + 1, value: 5 }]],
      ],
    ],
  ])('come back as they were: %s', (_, calls, expected) => {
    expect(pointsOf(...calls)).toEqual(expected);
  });

  it('are made anew for each reader, so that none changes those of another', () => {
    const packed = createPackedPoints();
    packed.add([[1, FIRST_MS, 1]]);
    const { pointsOf: pointsAt } = packed.entries();
    pointsAt(0).pop();
    expect(pointsAt(0)).toEqual([{ timeMs: FIRST_MS, value: 1 }]);
  });
});

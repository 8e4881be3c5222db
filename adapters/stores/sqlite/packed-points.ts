import type { Point } from '../../../core/model/sample.ts';

export type PointRow = readonly [labelSet: number, timeMs: number, value: number];

interface Block {
  /** For each row the index of its series, and that of its time. */
  series: Uint32Array;
  times: Uint32Array;
  values: Float64Array;
}

/** Points by label set. */
export interface PackedEntries {
  /** The index of the series of each label set. */
  indexes: ReadonlyMap<number, number>;
  pointsOf(index: number): Point[];
}

/**
 * Keeps points outside of the heap, 28 bytes each while rows are added and 12 bytes after that. As objects they take 72 bytes,
 * and an hour of a thousand nodes at ten seconds has a million.
 */
export function createPackedPoints() {
  const indexes = new Map<number, number>();
  const counts: number[] = [];
  const times: number[] = [];
  const blocks: Block[] = [];

  function indexOf(labelSet: number): number {
    let index = indexes.get(labelSet);
    if (index === undefined) {
      index = counts.push(0) - 1;
      indexes.set(labelSet, index);
    }
    return index;
  }

  return {
    /** Rows in order of time, not older than those of earlier calls. */
    add(rows: readonly PointRow[]): void {
      const block: Block = {
        series: new Uint32Array(rows.length),
        times: new Uint32Array(rows.length),
        values: new Float64Array(rows.length),
      };
      for (const [i, [labelSet, timeMs, value]] of rows.entries()) {
        if (times.at(-1) !== timeMs) times.push(timeMs);
        const index = indexOf(labelSet);
        counts[index] = (counts[index] as number) + 1;
        block.series[i] = index;
        block.times[i] = times.length - 1;
        block.values[i] = value;
      }
      blocks.push(block);
    },
    /** Label sets in the order of their first rows. Each reading of `points` makes new objects, which live as long as the caller needs. */
    entries(): PackedEntries {
      const ends: number[] = [];
      let total = 0;
      // First the starts; adding the rows moves each to the end of its series.
      for (const count of counts) {
        ends.push(total);
        total += count;
      }
      const timesOf = new Uint32Array(total);
      const valuesOf = new Float64Array(total);
      for (const { series, times: roundOf, values } of blocks.splice(0)) {
        for (let row = 0; row < series.length; row++) {
          const index = series[row] as number;
          const at = ends[index] as number;
          ends[index] = at + 1;
          timesOf[at] = roundOf[row] as number;
          valuesOf[at] = values[row] as number;
        }
        // Frees them now: the collector sees no reason to hurry, and tens of megabytes would wait for it.
        for (const { buffer } of [series, roundOf, values]) (buffer as ArrayBuffer).transfer(0);
      }
      const pointsOf = (index: number) => {
        const end = ends[index] as number;
        const points: Point[] = [];
        for (let at = end - (counts[index] as number); at < end; at++) {
          points.push({ timeMs: times[timesOf[at] as number] as number, value: valuesOf[at] as number });
        }
        return points;
      };
      return { indexes, pointsOf };
    },
  };
}

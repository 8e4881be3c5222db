// The arithmetic of the benchmark, and the order of its runs. This file measures nothing.

/** The figures of one run of a contender, by name. Names contain the unit: `wallMs`, `cpuMs`. */
export type Readings = Readonly<Record<string, number>>;

export interface Contender {
  name: string;
  /** What is not installed here, and how to install it; undefined when the contender can run. */
  missing?: string | undefined;
  /** Does one measured run. `round` counts from 0. @throws when the work was not done correctly */
  run(round: number): Promise<Readings>;
}

export interface Missing {
  name: string;
  get: string;
}

/** The readings of each contender, by name, in the order of rounds. */
export interface Comparison {
  readings: ReadonlyMap<string, readonly Readings[]>;
  missing: readonly Missing[];
}

export interface Spread {
  median: number;
  low: number;
  high: number;
  runs: number;
}

/** The middle value, or the mean of the two middle ones. @throws when there are no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('there is no median of no values');
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    low: Math.min(...values),
    high: Math.max(...values),
    runs: values.length,
  };
}

/**
 * Runs the contenders A B C, A B C, …, so that other work on the machine affects all of them equally. A missing
 * contender is named, and does not run.
 */
export async function compare(
  contenders: readonly Contender[],
  rounds: number,
  onRun: (name: string, round: number) => void = () => {},
): Promise<Comparison> {
  const present = contenders.filter(({ missing }) => missing === undefined);
  const readings = new Map<string, Readings[]>(present.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of present) {
      onRun(name, round);
      readings.get(name)?.push(await run(round));
    }
  }
  const missing = contenders.flatMap(({ name, missing: get }) => (get === undefined ? [] : [{ name, get }]));
  return { readings, missing };
}

/** Runs without measuring, so that caches fill and the JIT compiles the code. */
export async function warmUp(contenders: readonly Contender[], rounds = 1): Promise<void> {
  await compare(contenders, rounds);
}

/** The values of one figure of a contender, in the order of rounds; empty when it did not run. */
export function valuesOf(comparison: Comparison, contender: string, figure: string): number[] {
  return (comparison.readings.get(contender) ?? []).flatMap((readings) => readings[figure] ?? []);
}

/**
 * The median of a ÷ b over all rounds; both runs of a ratio are neighbours in time. Undefined when one of the two did
 * not run.
 */
export function ratioOf(comparison: Comparison, figure: string, a: string, b: string): Spread | undefined {
  const [above, below] = [valuesOf(comparison, a, figure), valuesOf(comparison, b, figure)];
  const ratios = above.slice(0, below.length).map((value, round) => value / (below[round] as number));
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

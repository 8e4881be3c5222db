// The arithmetic of the benchmark, and the order in which contenders run. Nothing here measures.

/** What one run of a contender came to, by name of the figure. Units are in the names: `wallMs`, `cpuMs`. */
export type Readings = Readonly<Record<string, number>>;

export interface Contender {
  name: string;
  /** What is not installed here and how to get it; undefined when it can run. */
  missing?: string | undefined;
  /** One measured run. `round` counts from 0. It throws when the work was not done as it should be. */
  run(round: number): Promise<Readings>;
}

export interface Missing {
  name: string;
  get: string;
}

/** Every contender's readings, by name, in order of rounds. */
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

/** The middle value; of an even number of them the mean of the two in the middle. @throws when there is none */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('there is no median of nothing');
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
 * Runs the contenders A B C, A B C, …, so that what else happens on the machine happens to all of them. One that is
 * missing is named, and takes no part.
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

/** Runs unmeasured: caches fill, and what is compiled in the course of time is. */
export async function warmUp(contenders: readonly Contender[], rounds = 1): Promise<void> {
  await compare(contenders, rounds);
}

/** Values of one figure of a contender, in order of rounds; empty when it took no part. */
export function valuesOf(comparison: Comparison, contender: string, figure: string): number[] {
  return (comparison.readings.get(contender) ?? []).flatMap((readings) => readings[figure] ?? []);
}

/**
 * The median over rounds of a ÷ b, each ratio of two runs that were neighbours in time. Undefined when one of the two
 * took no part.
 */
export function ratioOf(comparison: Comparison, figure: string, a: string, b: string): Spread | undefined {
  const [above, below] = [valuesOf(comparison, a, figure), valuesOf(comparison, b, figure)];
  const ratios = above.slice(0, below.length).map((value, round) => value / (below[round] as number));
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

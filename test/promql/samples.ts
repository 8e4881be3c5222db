// Samples that follow from a seed: what monitoring stores, and what makes queries go wrong.
import { createRandom, type Random } from '../simulation/random.ts';

export interface Samples {
  labels: Record<string, string>;
  times: number[];
  values: number[];
}

/** A metric, and the labels that its series differ in. */
export interface MetricShape {
  name: string;
  labels: readonly string[];
}

export const SHAPES: readonly MetricShape[] = [
  { name: 'cpu_percent', labels: ['cluster', 'node'] },
  { name: 'disk_percent', labels: ['cluster', 'node', 'mount'] },
  { name: 'up', labels: ['cluster', 'node'] },
  { name: 'sent_bytes_total', labels: ['cluster', 'node', 'device'] },
  { name: 'errors_total', labels: ['cluster', 'node'] },
  { name: 'node_info', labels: ['cluster', 'node', 'version'] },
  { name: 'cert_days', labels: ['cluster', 'node'] },
  { name: 'extremes', labels: ['case'] },
];

/** Samples lie from here to `SAMPLES_TO_MS`, on whole minutes but for those of `cert_days` and `extremes`. */
export const SAMPLES_FROM_MS = Date.UTC(2026, 1, 27, 22);
export const SAMPLES_TO_MS = SAMPLES_FROM_MS + 4 * 3_600_000;

const MINUTE_MS = 60_000;
const REPEATED_EVERY_MS = 2 * MINUTE_MS;
const NODES = [
  { cluster: 'blue', node: 'cp-1' },
  { cluster: 'blue', node: 'cp-2' },
  { cluster: 'red', node: 'cp-1' },
  { cluster: 'red', node: 'worker-1' },
] as const;

/** Which minutes a series lacks. */
type Presence = (timeMs: number) => boolean;

export function generateSamples(seed: number): Samples[] {
  const random = createRandom(seed);
  const samples = [
    ...NODES.flatMap((labels, n) =>
      ofNode(random.fork(), labels, PRESENCES[n % PRESENCES.length] as MakePresence),
    ),
    ...extremes(random.fork()),
  ];
  return samples.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/** Series of one metric have the same label names: their values decide. */
const sortKey = ({ labels }: Samples) =>
  Object.keys(labels)
    .sort()
    .map((name) => labels[name])
    .join('\0');

type MakePresence = (random: Random) => Presence;

const timeIn = (random: Random) =>
  SAMPLES_FROM_MS + random.int(0, (SAMPLES_TO_MS - SAMPLES_FROM_MS) / MINUTE_MS) * MINUTE_MS;

const PRESENCES: readonly MakePresence[] = [
  () => () => true,
  // Gaps, shorter and longer than the look-back.
  (random) => {
    const gaps = [3, 5, 6, 20].map((minutes) => {
      const fromMs = timeIn(random);
      return [fromMs, fromMs + minutes * MINUTE_MS] as const;
    });
    return (timeMs) => !gaps.some(([fromMs, toMs]) => fromMs <= timeMs && timeMs < toMs);
  },
  // Begins late, and ends for good.
  (random) => {
    const [fromMs = 0, toMs = 0] = [timeIn(random), timeIn(random)].sort((a, b) => a - b);
    return (timeMs) => fromMs <= timeMs && timeMs <= toMs;
  },
  // Every third round fails.
  (random) => () => !random.chance(0.33),
];

function ofNode(random: Random, node: { cluster: string; node: string }, presence: MakePresence): Samples[] {
  const series = (name: string, more: Record<string, string>, next: () => number): Samples => {
    const isPresent = presence(random);
    const [times, values]: [number[], number[]] = [[], []];
    for (let timeMs = SAMPLES_FROM_MS; timeMs <= SAMPLES_TO_MS; timeMs += MINUTE_MS) {
      const value = next();
      if (!isPresent(timeMs)) continue;
      times.push(timeMs);
      values.push(value);
    }
    return { labels: { __name__: name, ...node, ...more }, times, values };
  };
  return [
    series('cpu_percent', {}, () => random.int(0, 1000) / 10),
    ...['/', '/var'].map((mount) => series('disk_percent', { mount }, walk(random, 60, 3))),
    series('up', {}, () => (random.chance(0.1) ? 0 : 1)),
    ...['eth0', 'eth1'].map((device) => series('sent_bytes_total', { device }, counter(random, 5_000_000))),
    series('errors_total', {}, counter(random, 1)),
    ...versions(random, (version) => series('node_info', { version }, () => 1)),
    slowCheck(random, { __name__: 'cert_days', ...node }),
  ];
}

function walk(random: Random, start: number, step: number): () => number {
  let value = start;
  return () => {
    value = Math.min(100, Math.max(0, value + random.int(-step, step)));
    return value;
  };
}

/** With resets, some to zero. */
function counter(random: Random, most: number): () => number {
  let value = random.int(0, most * 100);
  return () => {
    value = random.chance(0.03) ? random.int(0, 1) * random.int(0, most) : value + random.int(0, most);
    return value;
  };
}

/** An upgrade in the middle: one series ends in the minute before the next begins. */
function versions(random: Random, series: (version: string) => Samples): Samples[] {
  const upgradeMs = timeIn(random);
  const cut = (one: Samples, keep: Presence): Samples => {
    const kept = one.times.map(keep);
    return {
      labels: one.labels,
      times: one.times.filter((_, i) => kept[i]),
      values: one.values.filter((_, i) => kept[i]),
    };
  };
  return [
    cut(series('v1.36'), (timeMs) => timeMs < upgradeMs),
    cut(series('v1.37'), (timeMs) => timeMs >= upgradeMs),
  ];
}

/** An hourly value, repeated every two minutes one millisecond behind the minute, as stores keep slow checks. */
function slowCheck(random: Random, labels: Record<string, string>): Samples {
  const [times, values]: [number[], number[]] = [[], []];
  let days = random.int(10, 400);
  for (let hourMs = SAMPLES_FROM_MS; hourMs < SAMPLES_TO_MS; hourMs += 3_600_000) {
    const roundMs = hourMs + 7 * MINUTE_MS;
    days -= random.int(0, 1);
    for (let afterMs = 0; afterMs < 3_600_000; afterMs += REPEATED_EVERY_MS) {
      times.push(roundMs + afterMs + (afterMs > 0 ? 1 : 0));
      values.push(days);
    }
  }
  return { labels, times, values };
}

function extremes(random: Random): Samples[] {
  const cases: Readonly<Record<string, readonly number[]>> = {
    nan: [1, Number.NaN, 2],
    infinite: [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5],
    zero: [0, -0],
    huge: [1e308, -1e308, 1.7e308, 3],
    tiny: [1e-290, 1e-300, 0],
    cancelling: [1, 1e100, 1, -1e100],
    negative: [-1, -2.5, 3.25, -0.1],
    constant: [0.1],
  };
  return Object.entries(cases).map(([name, values]) => {
    const times: number[] = [];
    for (
      let timeMs = SAMPLES_FROM_MS;
      timeMs <= SAMPLES_TO_MS;
      timeMs += random.pick([15_000, 30_000, 60_000, 240_001])
    )
      times.push(timeMs);
    return {
      labels: { __name__: 'extremes', case: name },
      times,
      values: times.map(() => random.pick(values)),
    };
  });
}

/** As Go prints a float. */
export function goFloat(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

export function parseGoFloat(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

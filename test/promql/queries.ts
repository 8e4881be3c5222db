// Queries that follow from a seed: expressions at instants and over ranges, and some that must fail.
import { createRandom, type Random } from '../simulation/random.ts';
import { createChoose, createExpressions } from './expressions.ts';
import { UNUSUAL, WRONG } from './query-texts.ts';
import type { ReferenceQuery } from './reference.ts';
import { SAMPLES_FROM_MS, SAMPLES_TO_MS } from './samples.ts';

const SHARE_OF_TEXTS = 0.12;

/** @param steps most steps of a range query */
export function generateQueries(seed: number, count: number, steps = 12): ReferenceQuery[] {
  const random = createRandom(seed);
  const choose = createChoose(random);
  const expressions = createExpressions(random, choose);
  return Array.from({ length: count }, () => {
    const when = times(random, steps);
    if (random.chance(SHARE_OF_TEXTS)) return { text: choose('text', [...WRONG, ...UNUSUAL]), ...when };
    const kind = choose('type', { vector: 12, scalar: 1, range: 1 });
    const depth = random.int(1, 4);
    if (kind === 'vector') return { text: expressions.vector(depth).text, ...when };
    if (kind === 'scalar') return { text: expressions.scalar(depth), ...when };
    return { text: expressions.range(depth).text, ...when, endMs: when.startMs, stepMs: 0 };
  });
}

function times(random: Random, steps: number): Omit<ReferenceQuery, 'text'> {
  const minutes = (SAMPLES_TO_MS - SAMPLES_FROM_MS) / 60_000;
  const startMs =
    SAMPLES_FROM_MS + random.int(0, minutes + 4) * 60_000 + random.pick([0, 0, 0, 1, -1, 30_000]);
  if (random.chance(0.5)) return { startMs, endMs: startMs, stepMs: 0 };
  const stepMs = random.pick([15_000, 60_000, 60_000, 90_000, 300_000, 420_000, 61_000]);
  return { startMs, endMs: startMs + random.int(steps >> 1, steps - 1) * stepMs + random.int(0, 1), stepMs };
}

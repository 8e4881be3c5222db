// Our answers beside those of the engine.
import { parseQuery } from '../../core/promql/parse.ts';
import { differenceOf } from './comparison.ts';
import { leniencyFor, reasonToDiffer } from './differences.ts';
import { ourAnswer, sourceOf } from './our-answer.ts';
import { type Answer, askReference, type ReferenceQuery, referenceSeries } from './reference.ts';
import type { Samples } from './samples.ts';

export interface Verdict {
  /** What differs and must not. */
  different: { query: ReferenceQuery; difference: string }[];
  /** How many differ for a documented reason, or as the engine differs from itself. */
  excused: number;
}

export async function compareAnswers(
  samples: readonly Samples[],
  queries: readonly ReferenceQuery[],
  answers: readonly Answer[],
): Promise<Verdict> {
  const source = sourceOf(samples);
  const verdict: Verdict = { different: [], excused: 0 };
  for (const [i, query] of queries.entries()) {
    const expected = answers[i] as Answer;
    const ours = await ourAnswer(source, query);
    const tree = ours.error === undefined ? parseQuery(query.text) : undefined;
    const difference = differenceOf(query, expected, ours, tree && leniencyFor(tree));
    if (difference === undefined) continue;
    if (expected.isUnstable || (tree && reasonToDiffer(tree))) verdict.excused++;
    else verdict.different.push({ query, difference });
  }
  return verdict;
}

/** Asks the engine of this machine. */
export async function compareWithEngine(
  samples: readonly Samples[],
  queries: readonly ReferenceQuery[],
): Promise<Verdict> {
  const series = samples.map(referenceSeries);
  const first = await compareAnswers(samples, queries, askReference({ series, queries }, 1));
  // Whether the engine differs from itself matters only where it differs from us.
  const again = first.different.map(({ query }) => query);
  const second = await compareAnswers(samples, again, askReference({ series, queries: again }));
  return { different: second.different, excused: first.excused + second.excused };
}

import { describe, expect, it } from 'vitest';
import type { QueryNode } from '../../core/promql/ast.ts';
import { childrenOf } from '../../core/promql/depth.ts';
import { parseQuery } from '../../core/promql/parse.ts';
import { FEATURES, featuresOf } from './coverage.ts';
import { generateQueries } from './queries.ts';
import { readRecorded, recordedQueries } from './recorded.ts';

const AT_LEAST = 10;

describe('the queries of the proof', () => {
  const queries = recordedQueries();
  const answers = readRecorded();
  const answered = queries.flatMap(({ text }, i) =>
    answers[i]?.error === undefined ? [parseQuery(text)] : [],
  );

  it('are as many as there are answers', () => {
    expect(queries.length).toBeGreaterThanOrEqual(500);
    expect(answers).toHaveLength(queries.length);
  });

  it('have every function, aggregation, operator, matcher and modifier ten times, in queries that the engine answers', () => {
    const counts = new Map<string, number>();
    for (const feature of answered.flatMap(featuresOf)) counts.set(feature, (counts.get(feature) ?? 0) + 1);
    expect(FEATURES.filter((feature) => (counts.get(feature) ?? 0) < AT_LEAST)).toEqual([]);
    expect([...counts.keys()].filter((feature) => !FEATURES.includes(feature))).toEqual([]);
  });

  it('have series in most answers, and errors of both classes', () => {
    const count = (test: (answer: (typeof answers)[number]) => boolean) => answers.filter(test).length;
    expect(count(({ series }) => series !== undefined) / answers.length).toBeGreaterThan(0.6);
    expect(count(({ errorType }) => errorType === 'bad_data')).toBeGreaterThan(50);
    expect(count(({ errorType }) => errorType === 'execution')).toBeGreaterThan(20);
    expect(queries.filter(({ stepMs }) => stepMs > 0).length / queries.length).toBeGreaterThan(0.4);
  });

  it('are nested', () => {
    expect(answered.filter((tree) => depthOf(tree) >= 5).length).toBeGreaterThan(200);
  });

  it('follow from the seed', () => {
    expect(generateQueries(3, 20)).toEqual(generateQueries(3, 20));
    expect(generateQueries(3, 20)).not.toEqual(generateQueries(4, 20));
  });
});

function depthOf(node: QueryNode): number {
  return 1 + Math.max(0, ...childrenOf(node).map(depthOf));
}

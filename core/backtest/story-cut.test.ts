import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SeriesQuery } from '../ports.ts';
import { parseNotation, writeNotation } from '../story/notation.ts';
import { parseStories } from '../story/parse.ts';
import { runStory } from '../story/run.ts';
import { runBacktest } from './backtest.ts';
import { RULES, runLiveRounds, STEP_NAMES, type Step } from './live-rounds.fixture.ts';
import { cutStory } from './story-cut.ts';

const MINUTES = 180;

function stepsOf(seed: number): Step[] {
  const streaks = fc.array(fc.tuple(fc.constantFrom(...STEP_NAMES), fc.constantFrom(2, 5, 9)), {
    minLength: MINUTES,
    maxLength: MINUTES,
  });
  const [sample = []] = fc.sample(streaks, { seed, numRuns: 1 });
  return sample.flatMap(([step, length]) => Array.from({ length }, () => step)).slice(0, MINUTES);
}

describe('a story that is cut out of history', () => {
  it('passes `rules test`, and fires and resolves as history did', async () => {
    const { fixture, fromMs, toMs } = await runLiveRounds([stepsOf(1), stepsOf(2)], []);
    const { config, targets, ports } = fixture;
    const store = { query: ports.store.query, rollUps: async () => [] };
    const names = RULES.map(({ name }) => name);
    const request = {
      config: { ...config, rules: RULES },
      rules: names,
      targets,
      silences: [],
      fromMs,
      toMs,
    };
    const { episodes } = await runBacktest(request, { store });
    const seen = new Set<string>();
    for (const episode of episodes) {
      const rule = RULES.find(({ name }) => name === episode.rule);
      if (!rule) throw new Error(episode.rule);
      const asked: SeriesQuery[] = [];
      const query = (one: SeriesQuery) => {
        asked.push(one);
        return store.query(one);
      };
      const { text, notes } = await cutStory({ rule, episode, config }, { fromMs, toMs }, { query });
      const { cluster, node } = episode.labels;
      for (const { where } of asked)
        expect(where).toMatchObject({ cluster: [cluster], ...(node !== undefined && { node: [node] }) });
      const { stories, problems } = parseStories(text);
      expect(problems).toEqual([]);
      const [story] = stories;
      const result = story && runStory(story);
      expect([result?.ok, text, notes]).toEqual([true, text, []]);
      seen.add(rule.name);
    }
    expect([...seen].sort()).toEqual(names.toSorted());
  });
});

it('marks are written as they are read', () => {
  const marks = parseNotation('95x6 _x3 D .x2 40.5 1000');
  expect(marks.ok && writeNotation(marks.marks)).toBe('95x6 _x3 D .x2 40.5 1000');
  const strange = [1e-7, 1.5e21, -0.25, 1_099_511_627_776].map((value) => ({
    kind: 'sample' as const,
    value,
  }));
  const read = parseNotation(writeNotation(strange));
  expect(read.ok && read.marks).toEqual(strange);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { tieredRuleSchema } from '../../core/config/rule-schema.ts';
import { parseStories } from '../../core/story/parse.ts';
import { drawStory } from '../../core/story/picture.ts';
import { describeFailure } from '../../core/story/report.ts';
import { runStory } from '../../core/story/run.ts';
import { blocksOf } from './documents.ts';

const EXAMPLES = 'examples/rules';

describe.each(readdirSync(EXAMPLES))('examples/rules/%s', (file) => {
  const { stories, problems } = parseStories(readFileSync(join(EXAMPLES, file), 'utf8'));

  it('can be read', () => expect(problems).toEqual([]));

  it.each(stories)('$name', (story) => {
    const result = runStory(story);
    expect(result.ok, describeFailure(result)).toBe(true);
  });
});

describe('docs/rules.md', () => {
  const blocks = blocksOf(readFileSync('docs/rules.md', 'utf8'));
  const stories = blocks.filter(({ language, text }) => language === 'yaml' && text.startsWith('rule:'));

  it('contains stories', () => expect(stories.length).toBeGreaterThan(20));

  it.each(stories)('$heading (line $line)', (block) => {
    const { stories, problems } = parseStories(block.text, block.line);
    expect(problems).toEqual([]);
    const results = stories.map(runStory);
    for (const result of results) expect(result.ok, describeFailure(result)).toBe(true);
    const picture = blocks[blocks.indexOf(block) + 1];
    expect(picture?.language).toBe('text');
    expect(picture?.text).toBe(`${results.map(drawStory).join('\n')}\n`);
  });

  it('shows valid rules', () => {
    const shown = blocks.filter(({ text }) => text.startsWith('rules:')).map(({ text }) => parse(text));
    expect(shown.length).toBeGreaterThan(0);
    for (const { rules } of shown)
      for (const rule of rules.add ?? rules) expect(tieredRuleSchema.safeParse(rule).error).toBeUndefined();
  });
});

import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { z } from 'zod';
import { formatDuration } from '../core/config/duration.ts';
import { describeError } from '../core/errors.ts';
import type { StoryProblem } from '../core/story/model.ts';
import { parseStories } from '../core/story/parse.ts';
import { drawStory } from '../core/story/picture.ts';
import { describeFailure } from '../core/story/report.ts';
import { runStory, type StoryResult } from '../core/story/run.ts';
import { withNotes } from './command-notes.ts';
import { writeJson } from './json-output.ts';
import { rulesTestShape } from './json-shapes.ts';
import { formatProblem, type Paint, paintFor, plural } from './problem-report.ts';

interface FileResult {
  file: string;
  results: StoryResult[];
  problems: StoryProblem[];
}

const FORMAT = `A story is a rule, samples round by round, and what must come of them:

  rule: { metric: cpu_usage, above: 90, for: 5m, keepFiringFor: 2m }
  every: 1m
  samples: { node-1: 95x6 _ 95 40x4 }
  expect:
    0m: pending
    5m: firing
    11m: resolved (cleared 9m)

Several stories in a file are separated by ---. The format is told in docs/rules.md.`;

export function rulesCommand(): Command {
  // Set before `test` is made, which inherits it: wrong usage is for the program to turn into an exit code.
  const rules = new Command('rules')
    .description('Try rules: `rules test` runs timeline stories.')
    .exitOverride();
  const test = rules
    .command('test')
    .description('Run timeline stories: does a rule fire when it should?')
    .argument('<files...>', 'story files (YAML)')
    .option('--draw', 'show a picture of every story', false)
    .option('--json', 'print the results as JSON', false)
    .action(async (files: string[], options: { draw: boolean; json: boolean }) => {
      const all = await Promise.all(files.map(testFile));
      const text = () => toText(all, options.draw, paintFor(process.stdout));
      if (options.json) writeJson(rulesTestShape, toJson(all));
      else process.stdout.write(text());
      if (all.some(({ results, problems }) => problems.length > 0 || results.some(({ ok }) => !ok))) {
        process.exitCode = 1;
      }
    });
  withNotes(test, {
    examples: [
      ['bartizan rules test stories/*.yaml'],
      ['bartizan rules test --draw stories/memory.yaml', 'with a picture of each story'],
      ['bartizan rules test --json stories/*.yaml | jq .failed'],
    ],
    text: FORMAT,
    exits1: 'a story does not hold, or cannot be read',
    json: rulesTestShape,
  });
  return rules;
}

async function testFile(file: string): Promise<FileResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const message = `cannot be read: ${describeError(error)}`;
    return { file, results: [], problems: [{ line: 1, column: 1, path: '', message }] };
  }
  const { stories, problems } = parseStories(text);
  return { file, results: stories.map(runStory), problems };
}

function toText(all: readonly FileResult[], draw: boolean, paint: Paint): string {
  const lines: string[] = [];
  for (const { file, results, problems } of all) {
    lines.push(paint('bold', file));
    for (const problem of problems)
      lines.push(indent(formatProblem({ ...problem, severity: 'error', file }, paint)));
    for (const result of results) {
      const { name, line } = result.story;
      lines.push(
        result.ok ? `  ${paint('green', '✓')} ${name}` : `  ${paint('red', '✗')} ${name} (${file}:${line})`,
      );
      if (!result.ok) lines.push('', indent(colourDiff(describeFailure(result), paint)), '');
      else if (draw) lines.push('', indent(drawStory(result)), '');
    }
  }
  const { passed, failed, problems } = countsOf(all);
  const broken = problems > 0 ? `, ${plural(problems, 'problem')} in files` : '';
  return `${lines.join('\n')}\n\n${passed} passed, ${failed} failed${broken}\n`;
}

function countsOf(all: readonly FileResult[]): { passed: number; failed: number; problems: number } {
  const results = all.flatMap((file) => file.results);
  const passed = results.filter(({ ok }) => ok).length;
  const problems = all.reduce((sum, file) => sum + file.problems.length, 0);
  return { passed, failed: results.length - passed, problems };
}

function toJson(all: readonly FileResult[]): z.infer<typeof rulesTestShape> {
  const { passed, failed } = countsOf(all);
  return {
    passed,
    failed,
    problems: all.flatMap(({ file, problems }) => problems.map((problem) => ({ file, ...problem }))),
    stories: all.flatMap(({ file, results }) =>
      results.map(({ story, ok, chunking, rows }) => ({
        file,
        line: story.line,
        name: story.name,
        ok,
        evaluated: chunking,
        rows: rows.map(({ atMs, ...row }) => ({ at: formatDuration(atMs), ...row })),
      })),
    ),
  };
}

function colourDiff(text: string, paint: Paint): string {
  const colours = { '-': 'red', '+': 'green' } as const;
  return text
    .split('\n')
    .map((line) => {
      const colour = colours[line.charAt(0) as keyof typeof colours];
      return colour ? paint(colour, line) : line;
    })
    .join('\n');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}

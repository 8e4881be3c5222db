import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { z } from 'zod';
import { idleDefaultRules } from '../core/config/defaults.ts';
import { formatDuration } from '../core/duration.ts';
import { describeError } from '../core/errors.ts';
import type { StoryProblem } from '../core/story/model.ts';
import { type ConfiguredRules, namedRules, parseStories } from '../core/story/parse.ts';
import { drawStory } from '../core/story/picture.ts';
import { describeFailure } from '../core/story/report.ts';
import { runStory, type StoryResult } from '../core/story/run.ts';
import { quoted } from '../core/text/suggestions.ts';
import { withNotes } from './command-notes.ts';
import { readConfig, unreadable } from './config-file.ts';
import { writeJson } from './json-output.ts';
import { rulesTestShape } from './json-shapes.ts';
import { formatProblem, type Paint, paintFor, plural } from './problem-report.ts';

interface FileResult {
  file: string;
  results: StoryResult[];
  problems: StoryProblem[];
}

const FORMAT = `A story has a rule, samples round by round, and the status that must follow:

  rule: { metric: cpu_usage, above: 90, for: 5m, keepFiringFor: 2m }
  every: 1m
  samples: { node-1: 95x6 _ 95 40x4 }
  expect:
    0m: pending
    5m: firing
    11m: resolved (cleared 9m)

In place of a rule, a story may have the name of a rule of the configuration, or of a tier of one: rule: memory, or
rule: etcd-fsync.critical. Default rules whose metric no check measures have stories too.
Several stories in a file are separated by ---. docs/rules.md describes the format.`;

export function rulesCommand(): Command {
  // Set before `test` is created, which inherits it: the program turns wrong usage into an exit code.
  const rules = new Command('rules')
    .description('Try rules: `rules test` runs timeline stories.')
    .exitOverride();
  const test = rules
    .command('test')
    .description('Run timeline stories: does a rule fire when it should?')
    .argument('<files...>', 'story files (YAML)')
    .option(
      '-c, --config <file>',
      'configuration with the rules that stories name; read only if a story names one',
      'bartizan.yaml',
    )
    .option('--draw', 'show a picture of every story', false)
    .option('--json', 'print the results as JSON', false)
    .action(async (files: string[], options: { config: string; draw: boolean; json: boolean }) => {
      const all = await testFiles(files, options.config);
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
      ['bartizan rules test -c prod.yaml stories/*.yaml', 'rules of prod.yaml'],
      ['bartizan rules test --json stories/*.yaml | jq .failed'],
    ],
    text: FORMAT,
    exits1: 'a story does not hold, or a file cannot be read',
    json: rulesTestShape,
  });
  return rules;
}

async function testFiles(files: readonly string[], configFile: string): Promise<FileResult[]> {
  const texts = await Promise.all(files.map(readStories));
  const isNamed = texts.some(({ text }) => text !== undefined && namedRules(text).length > 0);
  const configured = isNamed ? await readRules(configFile) : undefined;
  return texts.map(({ file, text, problem }) => {
    if (text === undefined) return { file, results: [], problems: [problem] };
    const { stories, problems } = parseStories(text, 1, configured);
    return { file, results: stories.map(runStory), problems };
  });
}

/** The rules of a configuration. When it is missing or wrong, only the stories that name a rule fail. */
async function readRules(file: string): Promise<ConfiguredRules> {
  if (!existsSync(file)) {
    return {
      problem: (name) => ({
        message: `there is no ${file} to take rule ${quoted(name)} from`,
        suggestion: 'name one with -c FILE',
      }),
    };
  }
  try {
    const result = await readConfig(file);
    if (result.ok) {
      const { rules, checks } = result.config;
      return { rules: [...rules, ...idleDefaultRules(checks)] };
    }
  } catch (error) {
    const message = describeError(error);
    return { problem: () => ({ message }) };
  }
  return {
    problem: () => ({ message: `${file} has errors`, suggestion: `\`bartizan check ${file}\` lists them` }),
  };
}

type StoryText =
  | { file: string; text: string; problem?: undefined }
  | { file: string; text?: undefined; problem: StoryProblem };

async function readStories(file: string): Promise<StoryText> {
  try {
    return { file, text: await readFile(file, 'utf8') };
  } catch (error) {
    return { file, problem: { line: 1, column: 1, path: '', message: unreadable(error) } };
  }
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

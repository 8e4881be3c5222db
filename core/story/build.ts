import type { Path } from '../config/problem.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { describeError } from '../errors.ts';
import { labelKey } from '../labels.ts';
import type { Rule } from '../model/rule.ts';
import { quoted } from '../text/suggestions.ts';
import { parseExpectation } from './expectation.ts';
import type { Expectation, Story, StorySeries } from './model.ts';
import { type Mark, parseNotation } from './notation.ts';
import { type SampleLine, sampleLines } from './samples.ts';
import type { StoryFields } from './schema.ts';
import { parseSeriesName } from './series-name.ts';

interface Reporter {
  line: number;
  /** Fields of the story that are missing or wrong, and reported: nothing is said about what depends on them. */
  wrong: ReadonlySet<unknown>;
  readRule(fields: unknown, path: Path): Rule | undefined;
  /** A rule of the configuration. */
  findRule(name: string, path: Path): Rule | undefined;
  issue(path: Path, message: string, suggestion?: string): void;
}

const CONDITION_FIELDS = ['above', 'below', 'outside', 'equals'];

/** A story from its fields. Reports all that is wrong; undefined where there is no rule that is right. */
export function buildStory(fields: StoryFields, reporter: Reporter): Story | undefined {
  const { line, wrong } = reporter;
  const rule = wrong.has('rule') ? undefined : ruleOf(fields.rule, reporter);
  const everyMs = fields.every;
  const times = createTimes(everyMs, reporter);
  const lines = sampleLines(fields.samples, rule, reporter.issue);
  const series = readSeries(lines, rule, reporter);
  // By their names, so that a series that cannot be read is one problem and not several.
  const names = wrong.has('samples') ? undefined : lines.map(({ name }) => name);
  const subjects = [
    ...new Set(lines.filter(({ metric }) => metric !== rule?.over || !metric).map(({ subject }) => subject)),
  ];
  const nodes = names && new Set(lines.map(({ subject }) => nodeOf(subject)));
  const expected = names && rule && expectedNames(rule, series, subjects);
  const story = {
    name: fields.name ?? `story of line ${line}`,
    line,
    everyMs,
    measuredEveryMs: measuredEvery(fields, reporter),
    latenessMs: fields.lateness,
    series,
    late: readLate(fields.late ?? {}, names, times, reporter),
    removed: Object.entries(fields.removed ?? {}).flatMap(([time, gone]) => {
      const atMs = times.read(time, ['removed', time]);
      return gone.map((name) => {
        const node = nodeOf(name);
        if (nodes && !nodes.has(node))
          reporter.issue(['removed', time], `no series is of a node ${quoted(name)}`);
        return { atMs, node };
      });
    }),
    edits: readEdits(fields, rule, times, reporter),
    ruleFromMs: times.check(fields.ruleFrom, ['ruleFrom']),
    ruleUntilMs: times.check(fields.ruleUntil, ['ruleUntil']),
    expect: readExpectations(fields.expect, expected, nodes, times, reporter),
  };
  return rule && { ...story, rule };
}

function measuredEvery({ every, measuredEvery: own = every }: StoryFields, { issue }: Reporter): number {
  if (own % every !== 0) {
    const [measured, rounds] = [formatDuration(own), formatDuration(every)];
    issue(
      ['measuredEvery'],
      `a check that runs every ${measured} has rounds that are no multiple of ${rounds}`,
    );
  }
  return own;
}

function ruleOf(written: StoryFields['rule'], { readRule, findRule }: Reporter): Rule | undefined {
  if (typeof written === 'string') return findRule(written, ['rule']);
  return readRule({ name: 'rule', ...written }, ['rule']);
}

function readEdits(
  { rule: written, edits = {} }: StoryFields,
  rule: Rule | undefined,
  times: Times,
  { readRule, issue }: Reporter,
): Story['edits'] {
  return Object.entries(edits).flatMap(([time, edit]) => {
    const atMs = times.read(time, ['edits', time]);
    if (typeof written === 'string') {
      issue(['edits', time], 'a rule of the configuration has no edits', 'write out the rule in the story');
      return [];
    }
    const changed = rule && readRule(edited({ name: 'rule', ...written }, edit), ['edits', time]);
    return changed ? [{ atMs, rule: changed }] : [];
  });
}

/** What verdicts are about: the series, or the groups that an aggregate makes of them, by their labels. */
function expectedNames(rule: Rule, series: Story['series'], names: readonly string[]): readonly string[] {
  const { aggregate } = rule;
  if (!aggregate) return names;
  const groups = series.map(({ labels }) => aggregate.by.map((name) => `${name}=${labels[name]}`).join(' '));
  return [...new Set(groups)];
}

/** The rule after an edit: its fields replaced; a new condition replaces the old one. */
function edited(base: Readonly<Record<string, unknown>>, edit: Readonly<Record<string, unknown>>): unknown {
  const changes = Object.keys(edit).some((key) => CONDITION_FIELDS.includes(key));
  const kept = Object.entries(base).filter(([key]) => !changes || !CONDITION_FIELDS.includes(key));
  return { ...Object.fromEntries(kept), ...edit };
}

interface Times {
  /** A time on a round, from its text. */
  read(text: string, path: Path): number;
  check(ms: number | undefined, path: Path): number | undefined;
}

function createTimes(everyMs: number, { issue }: Reporter): Times {
  const check = <T extends number | undefined>(ms: T, path: Path): T => {
    if (ms !== undefined && ms % everyMs !== 0) {
      issue(path, `there is no round at ${formatDuration(ms)}: rounds are ${formatDuration(everyMs)} apart`);
    }
    return ms;
  };
  return {
    check,
    read(text, path) {
      try {
        return check(parseDuration(text), path);
      } catch (error) {
        issue(path, describeError(error));
        return 0;
      }
    },
  };
}

function readSeries(
  lines: readonly SampleLine[],
  rule: Rule | undefined,
  { issue }: Reporter,
): StorySeries[] {
  const seen = new Set<string>();
  return lines.flatMap(({ path, name, subject, metric, text }): StorySeries[] => {
    const parsed = parseSeriesName(subject);
    const notation = parseNotation(text);
    if (typeof parsed === 'string') issue(path, parsed);
    if (!notation.ok) issue(path, notation.message);
    if (typeof parsed === 'string' || !notation.ok) return [];
    const key = `${metric} ${labelKey(parsed.labels)}`;
    if (seen.has(key)) issue(path, `\`${name}\` is there twice`);
    seen.add(key);
    const signs = notation.marks.some((mark: Mark) => mark.kind === 'lacking' || mark.kind === 'down');
    if (signs && rule?.metric === 'up') issue(path, 'in a story of `up` itself write 1, 0 or `.`');
    else if (signs && !parsed.node) issue(path, 'what belongs to no node has samples or `.`');
    return [{ name, subject, ...(metric && { metric }), labels: parsed.labels, marks: notation.marks }];
  });
}

function readLate(
  late: NonNullable<StoryFields['late']>,
  names: readonly string[] | undefined,
  times: Times,
  { issue }: Reporter,
): Story['late'] {
  return Object.entries(late).flatMap(([name, arrivals]) => {
    if (names && !names.includes(name)) issue(['late', name], `there is no series ${quoted(name)}`);
    return Object.entries(arrivals).map(([time, arrivesMs]) => {
      const atMs = times.read(time, ['late', name, time]);
      times.check(arrivesMs, ['late', name, time]);
      if (arrivesMs <= atMs)
        issue(['late', name, time], `arrives at ${formatDuration(arrivesMs)}, which is not late`);
      return { series: name, atMs, arrivesMs };
    });
  });
}

function readExpectations(
  expect: StoryFields['expect'],
  names: readonly string[] | undefined,
  nodes: ReadonlySet<string> | undefined,
  times: Times,
  { issue }: Reporter,
): Expectation[] {
  const only = names?.length === 1 ? names[0] : undefined;
  return Object.entries(expect).flatMap(([time, value]) => {
    const atMs = times.read(time, ['expect', time]);
    const bySeries = isRecord(value) ? Object.entries(value) : [[only ?? '', value] as const];
    return bySeries.flatMap(([name, expected]) => {
      const path = isRecord(value) ? ['expect', time, name] : ['expect', time];
      if (names && name === '') issue(path, `say which series: \`{ ${names[0] ?? 'node-1'}: firing }\``);
      else if (names && !names.includes(name) && !nodes?.has(nodeOf(name))) {
        issue(path, `there is no series ${quoted(name)}`);
      }
      return (Array.isArray(expected) ? expected : [expected]).flatMap((text: unknown): Expectation[] => {
        const parsed = parseExpectation(String(text));
        if (typeof parsed !== 'string') return [{ atMs, series: name, ...parsed }];
        issue(path, parsed);
        return [];
      });
    });
  });
}

function nodeOf(name: string): string {
  const parsed = parseSeriesName(name);
  return typeof parsed === 'string' ? name : (parsed.node ?? name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

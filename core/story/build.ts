import { formatDuration, parseDuration } from '../config/duration.ts';
import { type Path, quoted } from '../config/problem.ts';
import { describeError } from '../errors.ts';
import { labelKey } from '../labels.ts';
import type { Rule } from '../model.ts';
import { parseExpectation } from './expectation.ts';
import type { Expectation, Story, StorySeries } from './model.ts';
import { type Mark, parseNotation } from './notation.ts';
import type { StoryFields } from './schema.ts';
import { parseSeriesName } from './series-name.ts';

interface Reporter {
  line: number;
  readRule(fields: unknown, path: Path): Rule | undefined;
  issue(path: Path, message: string): void;
}

const CONDITION_FIELDS = ['above', 'below', 'outside', 'equals'];

/** A story from its fields. Reports what is wrong; the result is of use only if nothing was. */
export function buildStory(fields: StoryFields, reporter: Reporter): Story | undefined {
  const { line, readRule } = reporter;
  const base = { name: 'rule', ...fields.rule };
  const rule = readRule(base, ['rule']);
  if (!rule) return undefined;
  const everyMs = fields.every;
  const times = createTimes(everyMs, reporter);
  const series = readSeries(fields.samples, rule, reporter);
  // By their names, so that a series that cannot be read is one problem and not several.
  const names = Object.keys(fields.samples);
  const nodes = new Set(names.map(nodeOf));
  return {
    name: fields.name ?? `story of line ${line}`,
    line,
    rule,
    everyMs,
    latenessMs: fields.lateness,
    series,
    late: readLate(fields.late ?? {}, names, times, reporter),
    removed: Object.entries(fields.removed ?? {}).flatMap(([time, gone]) => {
      const atMs = times.read(time, ['removed', time]);
      return gone.map((name) => {
        const node = nodeOf(name);
        if (!nodes.has(node)) reporter.issue(['removed', time], `no series is of a node ${quoted(name)}`);
        return { atMs, node };
      });
    }),
    edits: Object.entries(fields.edits ?? {}).map(([time, edit]) => ({
      atMs: times.read(time, ['edits', time]),
      rule: readRule(edited(base, edit), ['edits', time]) ?? rule,
    })),
    ruleFromMs: times.check(fields.ruleFrom, ['ruleFrom']),
    ruleUntilMs: times.check(fields.ruleUntil, ['ruleUntil']),
    expect: readExpectations(fields.expect, judgedNames(rule, series, names), nodes, times, reporter),
  };
}

/** What verdicts are about: the series, or the groups that an aggregate makes of them, by their labels. */
function judgedNames(rule: Rule, series: Story['series'], names: readonly string[]): readonly string[] {
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

function readSeries(samples: StoryFields['samples'], rule: Rule, { issue }: Reporter): StorySeries[] {
  const seen = new Set<string>();
  return Object.entries(samples).flatMap(([name, text]): StorySeries[] => {
    const path = ['samples', name];
    const parsed = parseSeriesName(name);
    const notation = parseNotation(text);
    if (typeof parsed === 'string') issue(path, parsed);
    if (!notation.ok) issue(path, notation.message);
    if (typeof parsed === 'string' || !notation.ok) return [];
    if (seen.has(labelKey(parsed.labels))) issue(path, `\`${name}\` is there twice`);
    seen.add(labelKey(parsed.labels));
    const signs = notation.marks.some((mark: Mark) => mark.kind === 'lacking' || mark.kind === 'down');
    if (signs && rule.metric === 'up') issue(path, 'in a story of `up` itself write 1, 0 or `.`');
    else if (signs && !parsed.node) issue(path, 'what belongs to no node has samples or `.`');
    return [{ name, labels: parsed.labels, marks: notation.marks }];
  });
}

function readLate(
  late: NonNullable<StoryFields['late']>,
  names: readonly string[],
  times: Times,
  { issue }: Reporter,
): Story['late'] {
  return Object.entries(late).flatMap(([name, arrivals]) => {
    if (!names.includes(name)) issue(['late', name], `there is no series ${quoted(name)}`);
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
  names: readonly string[],
  nodes: ReadonlySet<string>,
  times: Times,
  { issue }: Reporter,
): Expectation[] {
  const only = names.length === 1 ? names[0] : undefined;
  return Object.entries(expect).flatMap(([time, value]) => {
    const atMs = times.read(time, ['expect', time]);
    const bySeries = isRecord(value) ? Object.entries(value) : [[only ?? '', value] as const];
    return bySeries.flatMap(([name, told]) => {
      const path = isRecord(value) ? ['expect', time, name] : ['expect', time];
      if (name === '') issue(path, `say which series: \`{ ${names[0] ?? 'node-1'}: firing }\``);
      else if (!names.includes(name) && !nodes.has(nodeOf(name))) {
        issue(path, `there is no series ${quoted(name)}`);
      }
      return (Array.isArray(told) ? told : [told]).flatMap((text: unknown): Expectation[] => {
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

import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Tags,
} from 'yaml';
import { z } from 'zod';
import type { JsonSchema } from '../config/fields.ts';
import { describeIssues, NO_TEXT } from '../config/issues.ts';
import { formatPath, type Path } from '../config/problem.ts';
import { ruleSchema } from '../config/rule-schema.ts';
import type { Rule } from '../model/rule.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { buildStory } from './build.ts';
import type { Story, StoryProblem } from './model.ts';
import { type StoryFields, storySchema } from './schema.ts';

const STORY_FIELDS = z.toJSONSchema(storySchema, { io: 'input' }) as JsonSchema;

const RULE_FIELDS = z.toJSONSchema(ruleSchema, { io: 'input' }) as JsonSchema;

interface Issue {
  path: Path;
  message: string;
  suggestion?: string | undefined;
}

/** Rules of a configuration that stories may name, or why there are none. */
export type ConfiguredRules =
  | { rules: readonly Rule[] }
  | { rules?: undefined; problem(name: string): Omit<Issue, 'path'> };

/**
 * Reads the stories of a file: one a YAML document, separated by `---`. It returns all problems at once, and leaves out a
 * story with a problem. `firstLine` is that of the text in its file, for stories inside other documents.
 */
export function parseStories(
  text: string,
  firstLine = 1,
  configured: ConfiguredRules = { rules: [] },
): { stories: Story[]; problems: StoryProblem[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, customTags: withoutHex });
  const stories: Story[] = [];
  const problems: StoryProblem[] = [];
  const at = (offset: number, { path, message, suggestion }: Issue) => {
    const { line, col } = lines.linePos(offset);
    const location = { line: line + firstLine - 1, column: col, path: formatPath(path) };
    problems.push({ ...location, message, ...(suggestion && { suggestion }) });
  };
  for (const document of Array.isArray(parsed) ? parsed : []) {
    if (document.errors.length > 0 || document.warnings.length > 0) {
      for (const { pos, message } of [...document.errors, ...document.warnings])
        at(pos[0], { path: [], message });
      continue;
    }
    if (document.contents === null) continue;
    const line = lines.linePos(document.contents.range[0]).line + firstLine - 1;
    const result = readStory(document.toJS(), line, configured);
    if (result.ok) {
      stories.push(result.story);
      continue;
    }
    const located = result.issues.map((issue) => ({ issue, offset: offsetOf(document, issue.path) }));
    for (const { issue, offset } of located.sort((a, b) => a.offset - b.offset)) at(offset, issue);
  }
  if (stories.length === 0 && problems.length === 0) {
    at(0, {
      path: [],
      message: 'there is no story in this file',
      suggestion: 'docs/rules.md tells how to write one',
    });
  }
  return { stories, problems };
}

/** To YAML `0x9` is nine. Here it is ten samples. */
function withoutHex(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || tag.format !== 'HEX');
}

/** Names of rules that the stories of a file take from a configuration. */
export function namedRules(text: string): string[] {
  const parsed = parseAllDocuments(text, { logLevel: 'silent' });
  return (Array.isArray(parsed) ? parsed : []).flatMap(({ contents }) => {
    const rule = isMap(contents) ? contents.get('rule') : undefined;
    return typeof rule === 'string' ? [rule] : [];
  });
}

function readStory(
  value: unknown,
  line: number,
  configured: ConfiguredRules,
): { ok: true; story: Story } | { ok: false; issues: Issue[] } {
  const issues: Issue[] = [];
  const { fields, wrong } = readFields(value, issues);
  const story = buildStory(fields, {
    line,
    wrong,
    readRule(written, path) {
      const rule = ruleSchema.safeParse(written, NO_TEXT);
      if (!rule.success) issues.push(...issuesOf(rule.error, path, written, RULE_FIELDS));
      return rule.data;
    },
    findRule(name, path) {
      if (!configured.rules) {
        issues.push({ path, ...configured.problem(name) });
        return undefined;
      }
      const rule = configured.rules.find((candidate) => candidate.name === name);
      if (rule) return rule;
      const names = configured.rules.map((candidate) => candidate.name);
      const suggestion = choose(name, names, 'there are') ?? 'write out the rule in the story';
      issues.push({ path, message: `there is no rule ${quoted(name)}`, suggestion });
      return undefined;
    },
    issue: (path, message, suggestion) => issues.push({ path, message, ...(suggestion && { suggestion }) }),
  });
  return story && issues.length === 0 ? { ok: true, story } : { ok: false, issues };
}

/** The fields of a story. Those that are wrong are reported, and empty in the result. */
function readFields(value: unknown, issues: Issue[]): { fields: StoryFields; wrong: ReadonlySet<unknown> } {
  const read = storySchema.safeParse(value, NO_TEXT);
  if (read.success) return { fields: read.data, wrong: new Set() };
  issues.push(...issuesOf(read.error, [], value, STORY_FIELDS));
  const wrong = new Set<unknown>(
    read.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : issue.path[0])),
  );
  const right = Object.entries(value ?? {}).filter(([field]) => !wrong.has(field));
  const empty = { rule: 'rule', samples: {}, expect: {} };
  const fields = storySchema.parse({ ...empty, ...(wrong.has(undefined) ? {} : Object.fromEntries(right)) });
  return { fields, wrong: wrong.has(undefined) ? new Set(Object.keys(empty)) : wrong };
}

/** zod's issues with our path in front; an unknown key is an issue of its own, with a suggestion. */
function issuesOf(error: z.ZodError, prefix: Path, data: unknown, schema: JsonSchema): Issue[] {
  const known = Object.keys(schema.properties ?? {});
  return error.issues.flatMap((issue): Issue[] => {
    const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code !== 'unrecognized_keys') {
      if (issue.message.trim() !== '') return [{ path, message: issue.message }];
      const findings = describeIssues([issue], data, schema);
      return findings.map((finding) => ({ ...finding, path: [...prefix, ...finding.path] }));
    }
    return issue.keys.map((key) => {
      return {
        path: [...path, key],
        message: `unknown key ${quoted(key)}`,
        suggestion: choose(key, known, 'one of'),
      };
    });
  });
}

/** Offset of what a path leads to: its key where it has one, else the deepest part that exists. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => (isScalar(key) ? String(key.value) : String(key)) === String(step),
      );
      if (!pair) return offset;
      if (isScalar(pair.key) && pair.key.range) offset = pair.key.range[0];
      node = pair.value;
    } else if (isCollection(node)) {
      node = node.get(Number(step), true);
      offset = (node as { range?: readonly number[] } | undefined)?.range?.[0] ?? offset;
    }
  }
  return offset;
}

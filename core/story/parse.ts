import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Tags,
} from 'yaml';
import type { z } from 'zod';
import { choose, formatPath, type Path, quoted } from '../config/problem.ts';
import { ruleSchema } from '../config/rule-schema.ts';
import { buildStory } from './build.ts';
import type { Story, StoryProblem } from './model.ts';
import { storySchema } from './schema.ts';

interface Issue {
  path: Path;
  message: string;
  suggestion?: string;
}

/**
 * Reads the stories of a file: one a YAML document, separated by `---`. All problems are returned at once; a story
 * with a problem is left out. `firstLine` is that of the text in its file, for stories inside other documents.
 */
export function parseStories(text: string, firstLine = 1): { stories: Story[]; problems: StoryProblem[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, customTags: withoutHex });
  const stories: Story[] = [];
  const problems: StoryProblem[] = [];
  const at = (offset: number, { path, ...issue }: Issue) => {
    const { line, col } = lines.linePos(offset);
    problems.push({ line: line + firstLine - 1, column: col, path: formatPath(path), ...issue });
  };
  for (const document of Array.isArray(parsed) ? parsed : []) {
    if (document.errors.length > 0 || document.warnings.length > 0) {
      for (const { pos, message } of [...document.errors, ...document.warnings])
        at(pos[0], { path: [], message });
      continue;
    }
    if (document.contents === null) continue;
    const line = lines.linePos(document.contents.range[0]).line + firstLine - 1;
    const result = readStory(document.toJS(), line);
    if (result.ok) stories.push(result.story);
    else for (const issue of result.issues) at(offsetOf(document, issue.path), issue);
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

function readStory(
  value: unknown,
  line: number,
): { ok: true; story: Story } | { ok: false; issues: Issue[] } {
  const read = storySchema.safeParse(value);
  if (!read.success) return { ok: false, issues: issuesOf(read.error, [], Object.keys(storySchema.shape)) };
  const issues: Issue[] = [];
  const readRule = (fields: unknown, path: Path) => {
    const rule = ruleSchema.safeParse(fields);
    if (!rule.success) issues.push(...issuesOf(rule.error, path, Object.keys(ruleSchema.in.shape)));
    return rule.data;
  };
  const story = buildStory(read.data, {
    line,
    readRule,
    issue: (path, message) => issues.push({ path, message }),
  });
  return story && issues.length === 0 ? { ok: true, story } : { ok: false, issues };
}

/** zod's issues with our path in front; an unknown key is an issue of its own, with a suggestion. */
function issuesOf(error: z.ZodError, prefix: Path, known: readonly string[]): Issue[] {
  return error.issues.flatMap((issue): Issue[] => {
    const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
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

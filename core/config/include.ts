// A configuration whose clusters are in files of their own. Reading files is up to the caller.

import { z } from 'zod';
import { isData, type JsonSchema, valueAt } from './fields.ts';
import { errorAt, type Finding, type Path } from './problem.ts';

/** A file of the configuration, and its whole text. */
export interface SourceFile {
  file: string;
  text: string;
}

/** The files that patterns match, sorted and each once. A pattern that matches nothing is a problem. */
export interface IncludedFiles {
  files: readonly SourceFile[];
  problems: readonly { pattern: string; message: string; suggestion?: string }[];
}

export type ReadIncluded = (patterns: readonly string[]) => IncludedFiles;

const MOST_PATTERNS = 100;

const patternSchema = z
  .string()
  .min(1)
  .refine((pattern) => !/^[/~]/.test(pattern) && !pattern.split('/').includes('..'), {
    error: 'included files are in the folder of this file, or below it; write a relative path without `..`',
  })
  .refine((pattern) => !pattern.includes('**'), {
    error: '`*` stays within one folder; write a pattern for each folder',
  });

/** `clusters` in place of the list. */
export const includeSchema = z.strictObject({
  include: z
    .union([patternSchema, z.array(patternSchema).min(1).max(MOST_PATTERNS)])
    .describe(
      'Files with the clusters, YAML or JSON: each has one cluster, or a list of them. A path from the folder of this file, or a list of paths; `*` and `?` match within one folder. 20,000 files and 16 MiB at most',
    )
    .meta({ examples: ['clusters.d/*.yaml'] }),
});

/** The patterns of `clusters.include`; undefined without a valid one. */
export function includePatterns(data: unknown): readonly string[] | undefined {
  const { data: valid } = includeSchema.safeParse(valueAt(data, 'clusters'));
  return valid && [valid.include].flat();
}

/** The schema of an included file with that data; that of anything when the file as a whole is wrong. */
export function includedSchema(data: unknown, clusters: JsonSchema): JsonSchema {
  if (includedClusters(data).finding) return {};
  return Array.isArray(data) ? { type: 'array', items: clusters } : clusters;
}

/** The clusters of an included file, as they are written, or what is wrong with it as a whole. */
export function includedClusters(data: unknown): { clusters: readonly unknown[]; finding?: Finding } {
  if (Array.isArray(data)) return { clusters: data };
  if (!isData(data)) return { clusters: [], finding: errorAt([], NO_CLUSTER, WRITE_ONE) };
  // People move the section with its key.
  if (Object.hasOwn(data, 'clusters')) {
    return { clusters: [], finding: { ...errorAt(['clusters'], NO_KEY, 'leave the key out'), at: 'key' } };
  }
  return { clusters: [data] };
}

const NO_CLUSTER = 'an included file has one cluster, or a list of them';
const NO_KEY = 'an included file starts with its cluster, or its list of clusters';
const WRITE_ONE = 'start it with `name:`, or each cluster with `- name:`';

/** The findings about patterns. */
export function includeFindings(
  data: unknown,
  patterns: readonly string[],
  problems: IncludedFiles['problems'],
): Finding[] {
  const isList = Array.isArray(valueAt(valueAt(data, 'clusters'), 'include'));
  return problems.map(({ pattern, message, suggestion }) => {
    const path: Path = ['clusters', 'include', ...(isList ? [patterns.indexOf(pattern)] : [])];
    return errorAt(path, message, suggestion);
  });
}

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';

/** The files that are mutated. */
export const SCOPE: readonly string[] = [
  'core/{evaluate,notify,stages,plan,parse}/**/*.ts',
  'core/labels.ts',
  'adapters/{secrets,audit}/**/*.ts',
  'adapters/ssh/known-hosts*.ts',
  'local/round.ts',
];

/** Suites that need more than Node, or start processes for every test. */
const LEFT_OUT = /\.(sshd|prometheus|aws|scale|root|mounts|cross|zsh)\.test\.ts$/;

/** The imports between a test and its source. */
const NEAR = 2;

const isTest = (file: string) => file.endsWith('.test.ts');
const list = (patterns: readonly string[]) =>
  globSync([...patterns]).map((file) => file.replaceAll('\\', '/'));

/** The files of `patterns` that the product runs; those that only tests import are not mutated. */
export function sourcesIn(patterns: readonly string[]): string[] {
  const wanted = new Set(list(SCOPE));
  const importers = list(['{bin,cli,core,adapters,functions,local,lib}/**/*.ts']).filter(
    (file) => !isTest(file),
  );
  const used = new Set(importers.flatMap((file) => importsOf(file, true)));
  return list(patterns)
    .filter((file) => wanted.has(file) && !isTest(file) && used.has(file))
    .sort();
}

/**
 * The test files that reach each source, with the number of imports between them. All for core/, which is pure;
 * elsewhere, where tests have servers and files, those near the source.
 */
export function testsReaching(
  sources: readonly string[],
  patterns: readonly string[],
): Map<string, Map<string, number>> {
  const wanted = new Set(sources);
  const folders = new Set(sources.map(topFolder));
  const tests = list([...folders].map((folder) => `${folder}/**/*.test.ts`)).filter(
    (file) => !LEFT_OUT.test(file) && patterns.some((pattern) => matchesGlob(file, pattern)),
  );
  const reached = new Map<string, Map<string, number>>();
  for (const test of tests.sort()) {
    for (const [file, distance] of distancesFrom(test)) {
      const isBeside = dirname(file) === dirname(test);
      if (!wanted.has(file) || topFolder(file) !== topFolder(test)) continue;
      if (topFolder(file) !== 'core' && !(isBeside && distance <= NEAR)) continue;
      const near = isBeside ? distance : distance + 2;
      reached.set(file, (reached.get(file) ?? new Map<string, number>()).set(test, near));
    }
  }
  return reached;
}

/** By test file: a hash of all that it imports. */
export function stampsOf(tests: readonly string[]): Record<string, string> {
  const hashes = new Map<string, string>();
  const hashOf = (file: string) => {
    const hash = hashes.get(file) ?? createHash('sha256').update(readFileSync(file)).digest('hex');
    hashes.set(file, hash);
    return hash;
  };
  return Object.fromEntries(
    [...new Set(tests)].map((test) => {
      const files = [...distancesFrom(test).keys()].sort();
      return [test, createHash('sha256').update(files.map(hashOf).join()).digest('hex')];
    }),
  );
}

const topFolder = (file: string) => file.split('/')[0] ?? '';

function distancesFrom(start: string): Map<string, number> {
  const distances = new Map([[start, 0]]);
  for (const [file, distance] of distances) {
    for (const imported of importsOf(file, false)) {
      if (!distances.has(imported)) distances.set(imported, distance + 1);
    }
  }
  return distances;
}

const known = new Map<string, { path: string; isType: boolean }[]>();

function importsOf(file: string, withTypes: boolean): string[] {
  let imports = known.get(file);
  if (!imports) {
    imports = readImports(file);
    known.set(file, imports);
  }
  return imports.filter(({ isType }) => withTypes || !isType).map(({ path }) => path);
}

function readImports(file: string): { path: string; isType: boolean }[] {
  if (!file.endsWith('.ts')) return [];
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(import|export)(\s+type)?[^'";]*?from\s*'(\.[^']+)'|import\(\s*'(\.[^']+)'/g);
  return [...found].map((match) => ({
    path: join(dirname(file), match[3] ?? match[4] ?? ''),
    isType: match[2] !== undefined,
  }));
}

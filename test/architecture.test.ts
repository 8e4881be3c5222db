import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Every top-level folder with code. A new one fails here until it is in this list, and in ARCHITECTURE.md. */
const FOLDERS = [
  'bin',
  'core',
  'adapters',
  'functions',
  'local',
  'history',
  'lib',
  'cli',
  'localstack',
  'test',
  'scripts',
  'examples',
  'packaging',
];
const WITHOUT_CODE = ['docs'];
/**
 * The folders of the project that the production code of a folder may import. A folder without an entry may import all.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  adapters: ['adapters', 'core'],
  history: ['history', 'adapters', 'core'],
  local: ['local', 'history', 'adapters', 'core'],
  functions: ['functions', 'history', 'adapters', 'core'],
  cli: ['cli', 'local', 'history', 'adapters', 'core'],
  lib: ['lib', 'adapters', 'core'],
  bin: ['cli', 'lib', 'core'],
  packaging: ['packaging', 'lib', 'core'],
};
const PURE = /^(node:|@aws-sdk|@middy|axios|ssh2|pino|hono|@hono|commander|ora)/;
const MAX_LINES = 300;

interface Source {
  file: string;
  text: string;
  imports: string[];
}

/** The files that a source imports, values or only types. */
function targetsOf({ file, imports }: Source): string[] {
  return imports.filter((name) => name.startsWith('.')).map((name) => normalize(join(dirname(file), name)));
}

function sources(): Source[] {
  return FOLDERS.flatMap((folder) => walk(folder)).map((file) => {
    const text = readFileSync(file, 'utf8');
    const imports = [...text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g)].map(
      (match) => match[1] ?? '',
    );
    return { file, text, imports };
  });
}

function walk(folder: string): string[] {
  let entries: import('node:fs').Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path);
    return /\.(ts|tsx|mjs)$/.test(entry.name) ? [path] : [];
  });
}

const all = sources();
const production = all.filter(({ file }) => !/\.(test|fixture)\.ts$/.test(file) && !file.startsWith('test/'));

/** The groups of nodes that reach each other, by Tarjan's algorithm; a graph without cycles has none. */
function circles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.size - 1);
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(node) !== index.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** The graph of imports between nodes, where `nodeOf` maps a file to its node. */
function graph(list: readonly Source[], nodeOf: (file: string) => string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const source of list) {
    const from = nodeOf(source.file);
    const targets = edges.get(from) ?? new Set<string>();
    edges.set(from, targets);
    for (const target of targetsOf(source).map(nodeOf)) if (target !== from) targets.add(target);
  }
  return edges;
}

/** The offences as `file: what`, so that a failure names the file. */
function offences(list: readonly Source[], find: (source: Source) => readonly string[]): string[] {
  return list.flatMap((source) => find(source).map((what) => `${source.file}: ${what}`));
}

describe('architecture', () => {
  it('the sources are read from disk', () => {
    expect(production.length).toBeGreaterThan(30);
  });

  it('every top-level folder is listed', () => {
    const ignored = readFileSync('.gitignore', 'utf8')
      .split('\n')
      .map((line) => line.replaceAll('/', ''));
    const folders = readdirSync('.', { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.includes(entry.name))
      .map(({ name }) => name);
    expect(folders.sort()).toEqual([...FOLDERS, ...WITHOUT_CODE].sort());
  });

  it('production code imports no fixture of tests', () => {
    const fixtures = offences(production, ({ imports }) =>
      imports.filter((name) => name.endsWith('.fixture.ts')),
    );
    expect(fixtures).toEqual([]);
  });

  it('imports point inward', () => {
    const found = offences(production, (source) => {
      const folder = source.file.split('/')[0] ?? '';
      const allowed = MAY_IMPORT[folder];
      if (!allowed) return [];
      return targetsOf(source).filter(
        (target) =>
          FOLDERS.includes(target.split('/')[0] ?? '') && !allowed.includes(target.split('/')[0] ?? ''),
      );
    });
    expect(found).toEqual([]);
  });

  // Imports of types count too: who changes a record must know which files depend on it.
  it('no files import each other in a cycle', () => {
    expect(circles(graph(production, (file) => file))).toEqual([]);
  });

  // A file directly in core/ is a node of its own: `ports.ts` may use a folder that does not use `ports.ts`.
  it('no folders of core import each other in a cycle', () => {
    const core = production.filter(({ file }) => file.startsWith('core/'));
    expect(circles(graph(core, (file) => (dirname(file) === 'core' ? file : dirname(file))))).toEqual([]);
  });

  it('core is pure: no I/O, no clock, no randomness, no environment', () => {
    const core = production.filter(({ file }) => file.startsWith('core/'));
    const found = offences(core, ({ text, imports }) => [
      ...imports.filter((name) => PURE.test(name)),
      ...(text.match(/Date\.now\(|new Date\(\)|process\.[a-z]|Math\.random|setTimeout\(|fetch\(/g) ?? []),
    ]);
    expect(found).toEqual([]);
  });

  it('only the secrets adapter reads the environment', () => {
    const adapters = production.filter(
      ({ file }) => file.startsWith('adapters/') && !file.startsWith('adapters/secrets/'),
    );
    expect(offences(adapters, ({ text }) => text.match(/process\.env/g) ?? [])).toEqual([]);
  });

  it('functions and stages contain no deployment code', () => {
    const bundled = production.filter(({ file }) => /^(functions|adapters|core)\//.test(file));
    expect(
      offences(bundled, ({ imports }) => imports.filter((name) => /^aws-cdk-lib|^constructs/.test(name))),
    ).toEqual([]);
  });

  it('files have names in kebab case and at most 300 lines', () => {
    const found = offences(all, ({ file, text }) => {
      const name = file.split('/').at(-1) ?? '';
      const lines = text.split('\n').length - 1;
      return [
        ...(/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|tsx|mjs)$/.test(name)
          ? []
          : ['is not a kebab-case name']),
        ...(/^(utils?|helpers?|common|manager)\b/.test(name) ? ['says nothing'] : []),
        ...(lines > MAX_LINES ? [`${lines} lines`] : []),
      ];
    });
    expect(found).toEqual([]);
  });

  it('only errors are classes', () => {
    expect(
      offences(
        production,
        ({ text }) => text.match(/^(export )?(abstract )?class (?!\w*Error\b)\w+/gm) ?? [],
      ),
    ).toEqual([]);
  });

  it('no test is skipped, focused or left to do', () => {
    const tests = all.filter(
      ({ file }) => file.endsWith('.test.ts') && !file.endsWith('architecture.test.ts'),
    );
    expect(
      offences(
        tests,
        ({ text }) => text.match(/\b(it|test|describe)\.(skip|only|todo|fails|skipIf|runIf)\b/g) ?? [],
      ),
    ).toEqual([]);
  });
});

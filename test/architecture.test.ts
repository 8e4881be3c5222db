import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDERS = [
  'bin',
  'core',
  'adapters',
  'functions',
  'local',
  'lib',
  'cli',
  'console',
  'edge',
  'localstack',
  'test',
];
/** What production code of a folder may import of the project. A missing folder may import anything of it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  adapters: ['adapters', 'core'],
  local: ['local', 'adapters', 'core'],
  functions: ['functions', 'adapters', 'core'],
  cli: ['cli', 'local', 'adapters', 'core'],
  lib: ['lib', 'adapters', 'core'],
  bin: ['cli', 'lib', 'core'],
};
const PURE = /^(node:|@aws-sdk|@middy|axios|ssh2|pino|hono|@hono|commander|ora)/;
const MAX_LINES = 300;

interface Source {
  file: string;
  text: string;
  imports: string[];
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
const production = all.filter(({ file }) => !file.endsWith('.test.ts') && !file.startsWith('test/'));

/** Offences as `file: what`, so that a failure names them. */
function offences(list: readonly Source[], judge: (source: Source) => readonly string[]): string[] {
  return list.flatMap((source) => judge(source).map((what) => `${source.file}: ${what}`));
}

describe('architecture', () => {
  it('is looked at', () => {
    expect(production.length).toBeGreaterThan(30);
  });

  it('imports point inward', () => {
    const found = offences(production, ({ file, imports }) => {
      const folder = file.split('/')[0] ?? '';
      const allowed = MAY_IMPORT[folder];
      if (!allowed) return [];
      return imports
        .filter((name) => name.startsWith('.'))
        .map((name) => normalize(join(dirname(file), name)))
        .filter(
          (target) =>
            FOLDERS.includes(target.split('/')[0] ?? '') && !allowed.includes(target.split('/')[0] ?? ''),
        );
    });
    expect(found).toEqual([]);
  });

  it('core is pure: no I/O, no clock, no randomness, no environment', () => {
    const core = production.filter(({ file }) => file.startsWith('core/'));
    const found = offences(core, ({ text, imports }) => [
      ...imports.filter((name) => PURE.test(name)),
      ...(text.match(/Date\.now\(|new Date\(\)|process\.[a-z]|Math\.random|setTimeout\(|fetch\(/g) ?? []),
    ]);
    expect(found).toEqual([]);
  });

  it('adapters read no environment, but for secrets', () => {
    const adapters = production.filter(
      ({ file }) => file.startsWith('adapters/') && !file.startsWith('adapters/secrets/'),
    );
    expect(offences(adapters, ({ text }) => text.match(/process\.env/g) ?? [])).toEqual([]);
  });

  it('functions and stages hold no deployment code', () => {
    const bundled = production.filter(({ file }) => /^(functions|adapters|core)\//.test(file));
    expect(
      offences(bundled, ({ imports }) => imports.filter((name) => /^aws-cdk-lib|^constructs/.test(name))),
    ).toEqual([]);
  });

  it('files are named in kebab case and stay readable in size', () => {
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

  it('there are no classes but errors', () => {
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

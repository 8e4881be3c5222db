import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseBackups } from '../../../core/parse/backup-output.ts';
import { scaledMs } from '../../../test/machine-speed.ts';
import { backupScript, patternProblem } from './backups.ts';
import { etcd } from './etcd.ts';

const NOW = Math.floor(Date.now() / 1000);
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'backups-'));
  chmodSync(root, 0o755);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, age: number, content = 'x'): void {
  writeFileSync(join(root, name), content);
  utimesSync(join(root, name), NOW - age, NOW - age);
}

/** A shell, and whether every command is busybox's. */
const SHELLS: Readonly<Record<string, readonly [string, boolean]>> = {
  dash: ['dash', false],
  bash: ['bash', false],
  'busybox sh': ['busybox sh', false],
  zsh: ['zsh --emulate sh', false],
  'nothing but busybox': ['/bin/busybox sh', true],
};

function run(
  text: string,
  shell = 'dash',
  { path = process.env.PATH, user }: { path?: string | undefined; user?: number } = {},
) {
  const [program = '', ...more] = shell.split(' ');
  const uid = user === undefined ? {} : { uid: user, gid: user };
  return spawnSync(program, more, {
    input: text,
    env: { PATH: path },
    timeout: scaledMs(30_000),
    encoding: 'utf8',
    ...uid,
  });
}

function list(patterns: readonly string[], shell: keyof typeof SHELLS = 'dash', user?: number) {
  const [program, onlyBusybox] = SHELLS[shell] as readonly [string, boolean];
  const bin = join(root, '.bin');
  mkdirSync(bin, { recursive: true });
  for (const name of ['sh', 'awk', 'date', 'find', 'stat', 'timeout']) {
    rmSync(join(bin, name), { force: true });
    symlinkSync('/bin/busybox', join(bin, name));
  }
  const full = patterns.map((pattern) => join(root, pattern));
  const path = onlyBusybox ? bin : process.env.PATH;
  const { stdout, stderr } = run(backupScript(full).text, program, {
    path,
    ...(user !== undefined && { user }),
  });
  expect(stderr).toBe('');
  const parsed = parseBackups(stdout, patterns.length);
  if (!parsed) throw new Error(`not understood: ${stdout}`);
  expect(Math.abs(parsed.clockMs / 1000 - NOW)).toBeLessThan(600);
  return parsed.patterns.map(({ state, count, newestAt }) => [state, count, newestAt && NOW - newestAt]);
}

describe.each(Object.keys(SHELLS))('the script in %s', (shell) => {
  it('finds the newest file of each pattern that is not empty', () => {
    write('a.db', 300);
    write('b.db', 200);
    write('c.db', 100, '');
    write('d.dbx', 10);
    write('odd name\n.db', 250);
    mkdirSync(join(root, 'folder.db'));
    mkdirSync(join(root, 'inner'));
    write('inner/e.db', 5);
    symlinkSync(join(root, 'd.dbx'), join(root, 'latest'));
    symlinkSync(join(root, 'gone'), join(root, 'dangling.db'));
    expect(list(['*.db', 'inner/?.db', 'lat*', '*.none', 'none/*', 'inner/e.db'], shell)).toEqual([
      ['listed', 3, 200],
      ['listed', 1, 5],
      ['listed', 1, 10],
      ['listed', 0, undefined],
      ['missing', 0, undefined],
      ['listed', 1, 5],
    ]);
  });

  it('says which folder is closed to our user', () => {
    mkdirSync(join(root, 'closed'));
    write('closed/a.db', 5);
    chmodSync(join(root, 'closed'), 0o711);
    if (process.getuid?.() === 0)
      expect(list(['closed/*.db'], shell, 65_534)).toEqual([['closed', 0, undefined]]);
    else {
      chmodSync(join(root, 'closed'), 0o100);
      expect(list(['closed/*.db'], shell)).toEqual([['closed', 0, undefined]]);
    }
  });
});

it('the sent text prints the same as its source', () => {
  const source = readFileSync(new URL('./backups.sh', import.meta.url), 'utf8');
  const sent = backupScript(['/var/lib/etcd-backup/*.db']).text;
  const withoutClock = (text: string) => run(text).stdout.replace(/^clock .*$/m, '');
  expect(withoutClock(sent)).toBe(withoutClock(source));
  expect(withoutClock(sent)).toContain('pattern 1 ');
});

describe('patterns', () => {
  it.each([
    '/a/*.db',
    '/var/lib/rancher/k3s/server/db/snapshots/etcd-snapshot-*',
    '/x',
    '/*',
    '/a@b/c+d:e=f_?',
  ])('%s', (pattern) => {
    expect(patternProblem(pattern)).toBeUndefined();
  });

  it.each([
    '',
    'a/*.db',
    '~/x',
    '/a/',
    '/a//b',
    '/a/../b',
    '/./a',
    '/a*/b',
    '/a?/b',
    '/a b',
    "/a'b",
    '/a"b',
    '/a$b',
    '/a`b`',
    '/a;b',
    '/a|b',
    '/a&b',
    '/a\\b',
    '/a\nb',
    '/a(b)',
    '/a[b]',
    '/a{b}',
    '/a#b',
    '/a!b',
    '/é',
    `/${'a'.repeat(200)}`,
  ])('are not %j', (pattern) => {
    expect(patternProblem(pattern)).toBeDefined();
    expect(() => backupScript([pattern])).toThrow(/in a script/);
    expect(etcd.options.safeParse({ backups: [pattern] }).success).toBe(false);
  });

  it('of any text are refused, or run nothing and change two words of the script', () => {
    const hostile = fc.constantFrom(
      '/',
      'a',
      "'",
      '"',
      '$',
      '(',
      ')',
      '`',
      ';',
      '\n',
      '*',
      '?',
      '-',
      '.',
      ' ',
      '\\',
      '{',
      '&',
      '|',
      '<',
      '>',
      '\u0000',
    );
    const skeleton = backupScript(['/a/b']).text.split('\n');
    fc.assert(
      fc.property(fc.string({ unit: hostile, maxLength: 12 }), (tail) => {
        const pattern = `/${tail}`;
        if (patternProblem(pattern) !== undefined) {
          expect(() => backupScript([pattern])).toThrow();
          return;
        }
        const changed = backupScript([pattern])
          .text.split('\n')
          .filter((line, i) => line !== skeleton[i]);
        for (const line of changed)
          expect(line).toMatch(/^set -- '[A-Za-z0-9._/@+:=-]*' '[A-Za-z0-9._@+:=*?-]*'$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('make scripts of their own, which the check needs and logs in for', () => {
    const options = (backups: string[]) =>
      etcd.options.parse({ via: 'bastion', backups }) as Record<string, unknown>;
    expect(etcd.scriptsFor(options([]))).toEqual([]);
    expect(etcd.logsIn(options([]))).toBe(false);
    const [one, two] = [['/a/*'], ['/b/*']].map((backups) => etcd.scriptsFor(options(backups))[0]);
    expect(one?.sha256).not.toBe(two?.sha256);
    expect(one?.name).toMatch(/^backups-[0-9a-f]{8}@1$/);
    expect(etcd.logsIn(options(['/a/*']))).toBe(true);
    expect(etcd.options.safeParse({ backups: ['/a', '/a'] }).success).toBe(false);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { includedFiles } from './included-files.ts';

let root: string;
let dir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bartizan-include-'));
  dir = join(root, 'etc');
  for (const folder of ['clusters.d', 'clusters.d/old', 'a/x', 'b/x'])
    mkdirSync(join(dir, folder), { recursive: true });
  for (const name of [
    'clusters.d/b.yaml',
    'clusters.d/a.yaml',
    'clusters.d/a.json',
    'a/x/1.yaml',
    'b/x/1.yaml',
  ])
    writeFileSync(join(dir, name), name);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (patterns: string[], limits?: { files: number; bytes: number }) => {
  const { files, problems } = includedFiles(dir, limits)(patterns);
  return {
    files: files.map(({ file }) => file.slice(dir.length + 1)),
    problems: problems.map(({ message }) => message.replaceAll(`${dir}`, 'DIR')),
  };
};

describe('included files', () => {
  it.each<[string[], string[]]>([
    [['clusters.d/*.yaml'], ['clusters.d/a.yaml', 'clusters.d/b.yaml']],
    [['clusters.d/?.json'], ['clusters.d/a.json']],
    [['./clusters.d//a.yaml'], ['clusters.d/a.yaml']],
    [['*/x/*.yaml'], ['a/x/1.yaml', 'b/x/1.yaml']],
    [
      ['clusters.d/b.yaml', 'clusters.d/*.yaml'],
      ['clusters.d/a.yaml', 'clusters.d/b.yaml'],
    ],
  ])('of %j are sorted, each once', (patterns, files) => {
    expect(read(patterns)).toEqual({ files, problems: [] });
  });

  it('follow links inside the folder, as a ConfigMap is mounted', () => {
    mkdirSync(join(dir, 'mount/..2026'), { recursive: true });
    writeFileSync(join(dir, 'mount/..2026/a.yaml'), 'text');
    symlinkSync('..2026', join(dir, 'mount/..data'));
    symlinkSync('..data/a.yaml', join(dir, 'mount/a.yaml'));
    expect(read(['mount/*'])).toEqual({ files: ['mount/a.yaml'], problems: [] });
    expect(includedFiles(dir)(['mount/*']).files[0]?.text).toBe('text');
  });

  it('never are outside the folder, in a circle, or what is no file', () => {
    writeFileSync(join(root, 'secret'), 'secret');
    symlinkSync('../../secret', join(dir, 'clusters.d/out.yaml'));
    symlinkSync('circle.yaml', join(dir, 'clusters.d/circle.yaml'));
    symlinkSync('..', join(dir, 'clusters.d/up'));
    execFileSync('mkfifo', [join(dir, 'clusters.d/pipe.yaml')]);
    const names = ['out.yaml', 'circle.yaml', 'pipe.yaml', 'old', 'none.yaml', 'up/*/*/*.yml'];
    expect(read(names.map((name) => `clusters.d/${name}`))).toEqual({
      files: [],
      problems: [
        'DIR/clusters.d/out.yaml: a symbolic link leads out of the folder of the configuration',
        'DIR/clusters.d/circle.yaml: its symbolic links lead in a circle',
        'DIR/clusters.d/pipe.yaml: it is not a file',
        'DIR/clusters.d/old: it is not a file',
        'DIR/clusters.d/none.yaml: there is no such file',
        'no file matches `clusters.d/up/*/*/*.yml` in DIR',
      ],
    });
  });

  it('have limits, and say which file is not UTF-8', () => {
    expect(read(['clusters.d/*'], { files: 2, bytes: 1000 }).problems).toEqual([
      '`clusters.d/*` matches more than 2 files',
    ]);
    expect(read(['clusters.d/*.yaml', 'a/x/*.yaml'], { files: 2, bytes: 1000 }).problems).toEqual([
      'more than 2 files are included',
    ]);
    expect(read(['clusters.d/*.yaml'], { files: 9, bytes: 20 }).problems).toEqual([
      'DIR/clusters.d/b.yaml: with it, included files have too many bytes',
    ]);
    writeFileSync(join(dir, 'clusters.d/b.yaml'), Buffer.from([0xff, 0xfe, 0x80]));
    expect(read(['clusters.d/b.yaml']).problems).toEqual(['DIR/clusters.d/b.yaml: it is not UTF-8']);
  });
});

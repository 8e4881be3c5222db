import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.ts';
import { replaceFile } from './atomic-write.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-replace-'));
  path = join(dir, 'file');
});
afterEach(() => rmSync(dir, { recursive: true }));

const NEW = Buffer.from('new\xff', 'latin1');
const modeOf = (file: string) => (statSync(file).mode & 0o7777).toString(8);

describe('a file that is replaced', () => {
  it('is a new file with the same mode, and leaves nothing beside it', async () => {
    for (const mode of [0o600, 0o640, 0o664]) {
      writeFileSync(path, 'old');
      chmodSync(path, mode);
      const before = statSync(path).ino;
      expect(await replaceFile(path, NEW)).toBe(true);
      expect([readFileSync(path, 'latin1'), modeOf(path)]).toEqual(['new\xff', mode.toString(8)]);
      expect(statSync(path).ino).not.toBe(before);
      expect(readdirSync(dir)).toEqual(['file']);
    }
  });

  it('is created with its folder if missing, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await replaceFile(join(dir, 'a/b/file'), NEW);
    } finally {
      process.umask(before);
    }
    expect([modeOf(join(dir, 'a/b')), modeOf(join(dir, 'a/b/file'))]).toEqual(['700', '644']);
    await replaceFile(path, NEW, { mode: 0o600 });
    expect(modeOf(path)).toBe('600');
  });

  it.each([
    ['beside it', 'target'],
    ['elsewhere', 'other/target'],
  ])('is the target of a link, and the link stays: %s', async (_where, target) => {
    mkdirSync(join(dir, 'other'));
    writeFileSync(join(dir, target), 'old');
    symlinkSync(target, join(dir, 'middle'));
    symlinkSync(join(dir, 'middle'), path);
    await replaceFile(path, NEW);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(dir, target)).isFile()).toBe(true);
    expect(readFileSync(join(dir, target), 'latin1')).toBe('new\xff');
  });

  it('is created where a link points to a missing file', async () => {
    symlinkSync('later', path);
    await replaceFile(path, NEW);
    expect([lstatSync(path).isSymbolicLink(), readFileSync(join(dir, 'later'), 'latin1')]).toEqual([
      true,
      'new\xff',
    ]);
  });

  it('is not replaced if another program changed it just before', async () => {
    writeFileSync(path, 'old');
    expect(await replaceFile(path, NEW, { unchanged: async () => false })).toBe(false);
    expect([readFileSync(path, 'utf8'), readdirSync(dir)]).toEqual(['old', ['file']]);
  });

  it('is an error with its name if it cannot be replaced, and leaves nothing behind', async () => {
    writeFileSync(path, 'x');
    const failed = replaceFile(join(path, 'file'), NEW);
    await expect(failed).rejects.toThrow(new ConfigError(`${join(path, 'file')}: its folder is a file`));
    expect(readdirSync(dir)).toEqual(['file']);
  });
});

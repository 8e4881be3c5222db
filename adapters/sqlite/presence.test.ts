import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asUnprivilegedUser } from '../../test/unprivileged-user.ts';
import { openDatabase } from './database.ts';
import { checkIntegrity } from './integrity.ts';
import { isPresent } from './presence.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-presence-'));
  chmodSync(dir, 0o755);
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('a file of a data folder', () => {
  it('is there, or it is not', () => {
    writeFileSync(join(dir, 'state.db'), '');
    expect([isPresent(join(dir, 'state.db')), isPresent(join(dir, 'samples.db'))]).toEqual([true, false]);
    expect(isPresent(join(dir, 'none', 'state.db'))).toBe(false);
  });

  it('is unknown below what is no folder', () => {
    writeFileSync(join(dir, 'data'), '');
    expect(() => isPresent(join(dir, 'data', 'state.db'))).toThrow(
      `store.path: ${dir}/data is no folder, or lies below something that is none`,
    );
  });

  it('is unknown where this user may not look into the folder: whoever reads says so, not that there are no data', async () => {
    const folder = join(dir, 'data');
    mkdirSync(folder);
    writeFileSync(join(folder, 'state.db'), '');
    const readers = [
      () => isPresent(join(folder, 'state.db')),
      () => openDatabase({ path: folder, file: 'state.db', migrations: [], readOnly: true }),
      () => checkIntegrity(folder, 'state'),
    ];
    await asUnprivilegedUser(folder, 0o000, () => {
      for (const read of readers) expect(read).toThrow(`store.path: ${folder} is closed`);
    });
  });
});

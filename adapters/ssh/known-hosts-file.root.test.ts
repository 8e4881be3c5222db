// A file of another user, which only root can make.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('an unreadable known_hosts is an error, not an empty file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-unreadable-'));
  try {
    chmodSync(dir, 0o755);
    const path = join(dir, 'known_hosts');
    writeFileSync(path, 'gate', { mode: 0o600 });
    const module = JSON.stringify(join(import.meta.dirname, 'known-hosts-file.ts'));
    const script = `import(${module}).then(({ createPinnedKeys }) => createPinnedKeys(${JSON.stringify(path)}).load())
      .then(() => console.log('read'), (error) => console.log(error.message))`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], {
      uid: 12_345,
      gid: 12_345,
      encoding: 'utf8',
    });
    expect(stdout.trim()).toBe(`${path}: we may not read it`);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

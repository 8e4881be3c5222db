import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OLD_FAULTS } from './old-faults.ts';

/** Schedules within which each fault shows. */
const SCHEDULES = 400;
const FIRST_SEED = 1;
const SOURCES = ['core', 'adapters', 'local', 'test/simulation', 'package.json'];

describe('old faults, put back one by one', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'bartizan-old-faults-'));
    for (const name of SOURCES) {
      const filter = (path: string) => !/\.(ttf|otf|test\.ts)$/.test(path);
      cpSync(name, join(copy, name), { recursive: true, filter });
    }
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  const simulate = (...more: string[]) => {
    const args = ['--schedules', String(SCHEDULES), '--seed', String(FIRST_SEED), ...more];
    const run = spawnSync(process.execPath, ['test/simulation/run.ts', ...args], {
      cwd: copy,
      encoding: 'utf8',
    });
    return `${run.stdout}${run.stderr}`;
  };

  it.each(OLD_FAULTS)('section $section: $name', { timeout: 300_000 }, ({ file, text, becomes, shows }) => {
    const original = readFileSync(file, 'utf8');
    expect(original.split(text).length - 1, `times that ${file} has: ${text}`).toBe(1);
    writeFileSync(
      join(copy, file),
      original.replace(text, () => becomes),
    );
    try {
      const report = simulate('--until', shows.join('|'));
      const failed = report.split('\n').filter((line) => line.startsWith('FAILED '));
      expect(
        failed.filter((line) => shows.some((what) => line.startsWith(`FAILED ${what}:`))),
        report,
      ).not.toEqual([]);
    } finally {
      writeFileSync(join(copy, file), original);
    }
  });
});

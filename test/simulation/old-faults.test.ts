import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OLD_FAULTS, type OldFault } from './old-faults.ts';

/** Each fault must show within this many schedules; most show within ten. */
const SCHEDULES = 200;
const SOURCES = ['core', 'adapters', 'local', 'test/simulation', 'package.json'];
/** Faults that are searched at the same time, each by one worker in its own copy of the sources. */
const SIDE_BY_SIDE = Math.min(2, availableParallelism());

describe('the simulator finds old faults that are put back one by one', () => {
  const copies: string[] = [];
  const free: string[] = [];
  const waiting: ((copy: string) => void)[] = [];

  beforeAll(() => {
    for (let i = 0; i < SIDE_BY_SIDE; i++) {
      const copy = mkdtempSync(join(tmpdir(), 'bartizan-old-faults-'));
      for (const name of SOURCES) {
        const filter = (path: string) => !/\.(ttf|otf|test\.ts)$/.test(path);
        cpSync(name, join(copy, name), { recursive: true, filter });
      }
      symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
      copies.push(copy);
      free.push(copy);
    }
  });
  afterAll(() => {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  });

  const take = () => {
    const copy = free.pop();
    return copy === undefined ? new Promise<string>((done) => waiting.push(done)) : copy;
  };
  const giveBack = (copy: string) => {
    const next = waiting.shift();
    if (next) next(copy);
    else free.push(copy);
  };

  /** Ends with the first schedule that shows the fault. */
  async function simulate(copy: string, { firstSeed = 1, shows }: OldFault): Promise<string> {
    const limits = ['--schedules', `${SCHEDULES}`, '--seed', `${firstSeed}`, '--workers', '1'];
    const args = ['test/simulation/run.ts', ...limits, '--until', shows.join('|')];
    const run = spawn(process.execPath, args, { cwd: copy, stdio: ['ignore', 'pipe', 'pipe'] });
    return (await Promise.all([textOf(run.stdout), textOf(run.stderr)])).join('');
  }

  it.concurrent.each(OLD_FAULTS)('of group $section: $name', async (fault) => {
    const { file, text, becomes, shows } = fault;
    const original = readFileSync(file, 'utf8');
    expect(original.split(text).length - 1, `occurrences in ${file} of: ${text}`).toBe(1);
    const copy = await take();
    try {
      writeFileSync(
        join(copy, file),
        original.replace(text, () => becomes),
      );
      const report = await simulate(copy, fault);
      const failed = report.split('\n').filter((line) => line.startsWith('FAILED '));
      const found = failed.filter((line) => shows.some((what) => line.startsWith(`FAILED ${what}:`)));
      expect(found, report).not.toEqual([]);
    } finally {
      writeFileSync(join(copy, file), original);
      giveBack(copy);
    }
  });
});

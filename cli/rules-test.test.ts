import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rulesCommand } from './rules-test.ts';

const STORY = `
name: memory
rule: { metric: mem_usage, above: 90, for: 2m }
samples: { node-1: 95x3 60 }
expect: { 0m: pending, 2m: firing, 4m: resolved }
`;

let dir: string;
let output: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-rules-'));
  output = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => output.push(String(text)) > 0);
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(dir, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

async function run(...args: string[]): Promise<{ text: string; exitCode: number | string | undefined }> {
  await rulesCommand().parseAsync(['test', ...args], { from: 'user' });
  return { text: output.join(''), exitCode: process.exitCode ?? 0 };
}

describe('bartizan rules test', () => {
  it('says which stories hold', async () => {
    const { text, exitCode } = await run(file('a.yaml', STORY));
    expect(text).toContain('✓ memory');
    expect(text).toContain('1 passed, 0 failed\n');
    expect(exitCode).toBe(0);
  });

  it('shows a diff and a picture of one that does not', async () => {
    const { text, exitCode } = await run(file('a.yaml', STORY.replace('2m: firing', '3m: firing')));
    expect(text).toMatch(/✗ memory \(.*a\.yaml:2\)/);
    expect(text).toContain('+ 2m  node-1  firing');
    expect(text).toContain('- 3m  node-1  firing');
    expect(text).toContain('▲▲▲▲▽');
    expect(exitCode).toBe(1);
  });

  it('draws all of them when asked', async () => {
    expect((await run('--draw', file('a.yaml', STORY))).text).toContain('░░██·');
  });

  it('says what is wrong with a file, and where, and tests the others', async () => {
    const broken = file('b.yaml', STORY.replace('samples', 'sample'));
    const { text, exitCode } = await run(broken, file('a.yaml', STORY), join(dir, 'none.yaml'));
    expect(text).toMatch(/b\.yaml:4:1 {2}sample {2}unknown key `sample`/);
    expect(text).toContain('did you mean `samples`?');
    expect(text).toMatch(/none\.yaml:1:1 {2}cannot be read/);
    expect(text).toContain('1 passed, 0 failed, 3 problems in files');
    expect(exitCode).toBe(1);
  });

  it('gives JSON to programs', async () => {
    const { text, exitCode } = await run('--json', file('a.yaml', STORY.replace('2m: firing', '3m: firing')));
    expect(JSON.parse(text)).toMatchObject({
      passed: 0,
      failed: 1,
      problems: [],
      stories: [{ line: 2, name: 'memory', ok: false, evaluated: 'every round' }],
    });
    expect(JSON.parse(text).stories[0].rows).toContainEqual({
      at: '3m',
      series: 'node-1',
      expected: 'firing',
      ok: false,
    });
    expect(exitCode).toBe(1);
  });

  it('leaves wrong usage to the program', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(run()).rejects.toThrow(CommanderError);
  });
});

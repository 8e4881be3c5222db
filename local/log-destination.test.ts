import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../test/until.ts';

const moduleOf = (name: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, name)).href);

interface Options {
  stderr: 'pipe' | number;
  /** Lines at each turn, and the length of one. */
  lines?: number;
  bytes?: number;
  pretty?: boolean;
}

/** Each turn writes lines to the log, and what was lost so far to stdout. */
const program = ({ lines = 1, bytes = 10, pretty = false }: Options) => `
  const { createLogDestination } = await import(${moduleOf('log-destination.ts')});
  const { createLogger } = await import(${moduleOf('logger.ts')});
  const destination = createLogDestination();
  const logger = createLogger({ level: 'info', pretty: ${pretty}, redact: (text) => text, destination });
  let n = 0;
  setInterval(() => {
    for (let i = 0; i < ${lines}; i++) logger.info('line', { n: ++n, more: 'x'.repeat(${bytes}) });
    process.stdout.write(JSON.stringify({ n, lost: logger.lost(), rssMib: process.memoryUsage().rss / 2 ** 20 }) + '\\n');
  }, 5);`;

interface Turn {
  n: number;
  lost: number;
  rssMib: number;
}

function start(options: Options): { child: ChildProcess; last: () => Turn } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(options)], {
    stdio: ['ignore', 'pipe', options.stderr],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let last: Turn = { n: 0, lost: 0, rssMib: 0 };
  let rest = '';
  child.stdout?.on('data', (chunk) => {
    const turns = `${rest}${chunk}`.split('\n');
    rest = turns.pop() ?? '';
    last = JSON.parse(turns.at(-1) ?? JSON.stringify(last));
  });
  return { child, last: () => last };
}

it.each([false, true])('a reader that goes away costs lines, not the process; pretty: %s', async (pretty) => {
  const { child, last } = start({ stderr: 'pipe', pretty });
  await once(child.stderr ?? child, 'data');
  child.stderr?.destroy();
  await until('lines are lost', () => last().lost > 20);
  expect(child.exitCode).toBeNull();
});

it('a reader that takes nothing costs lines, and no more memory than the limit', async () => {
  const { last } = start({ stderr: 'pipe', lines: 500, bytes: 2_000 });
  await until('lines are lost', () => last().lost > 20_000);
  expect(last().rssMib).toBeLessThan(300);
});

it('a full disk costs lines, not the process', async () => {
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const { last } = start({ stderr: full });
  await until('lines are lost', () => last().n > 20);
  expect(last().lost).toBe(last().n);
});

it('a file that a rotation copies and truncates goes on at its beginning, and no line is lost', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-log-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'bartizan.log');
  // As a shell opens it for `>>`.
  const file = openSync(path, 'a');
  onTestFinished(() => closeSync(file));
  const { child, last } = start({ stderr: file });
  await until('it writes', () => last().n > 20);
  truncateSync(path);
  const { n } = last();
  await until('it goes on', () => last().n > n + 20);
  child.kill('SIGKILL');
  await once(child, 'close');
  const text = readFileSync(path, 'utf8');
  const numbers = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).n as number);
  expect(text[0]).toBe('{');
  expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  expect(numbers.at(-1)).toBeGreaterThan(n);
  expect(last().lost).toBe(0);
});

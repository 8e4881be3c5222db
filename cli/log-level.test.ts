import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { listenForCommands } from '../local/control.ts';
import { createLogLevels, type LogLevels, logLevelCommand } from '../local/log-levels.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

let dir: string;
let levels: LogLevels;
let control: { close(): Promise<void> };
let printed: Printed;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-level-'));
  levels = createLogLevels({ level: 'warn', stages: {} });
  const commands = { 'log-level': logLevelCommand(levels) };
  control = await listenForCommands({ dir, commands, logger: createRecordingLogger() });
  printed = capturePrinted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await control.close();
  rmSync(dir, { recursive: true });
});
const logLevel = (...args: string[]) => run(['node', 'bartizan', 'log-level', ...args, '--data', dir]);

it('shows the levels of the running process, and those of one stage', async () => {
  await logLevel();
  expect(printed.out).toMatch(/^STAGE +LEVEL\nplan +warn\nprobe +warn\n/);
  printed.out = '';
  await logLevel('probe', '--json');
  expect(JSON.parse(printed.out)).toEqual([{ stage: 'probe', level: 'warn' }]);
});

it('changes one stage, or all', async () => {
  await logLevel('probe', 'debug');
  expect(printed.out).toMatch(/\nprobe +debug\n$/);
  expect([levels.of('probe'), levels.of('plan')]).toEqual(['debug', 'warn']);
  await logLevel('all', 'error');
  expect([levels.of('probe'), levels.of('plan')]).toEqual(['error', 'error']);
  expect(printed.err).toBe('');
});

it('reports that no process runs there', async () => {
  await control.close();
  await logLevel('probe', 'debug');
  expect(process.exitCode).toBe(1);
  expect(printed.err).toMatch(/^bartizan: /);
  expect(levels.of('probe')).toBe('warn');
});

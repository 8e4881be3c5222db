import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ControlAnswer, listenForCommands } from '../local/control.ts';
import { configText } from '../test/config-cases.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';

const CHANGES = {
  nodes: { added: [], removed: Array.from({ length: 10 }, (_, i) => `prod/n${i}`), changed: ['prod/m'] },
  sections: { rules: { added: ['cpu'], removed: [], changed: [] } },
  settings: ['schedule'],
};
const ENDS = [{ rule: 'memory', labels: { cluster: 'prod', node: 'n1' }, status: 'firing' }];

let dir: string;
let printed: Printed;
let exitBefore: typeof process.exitCode;
let close: (() => Promise<void>) | undefined;
let asked: unknown;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-reload-'));
  writeFileSync(join(dir, 'bartizan.yaml'), `${configText()}store: { path: data }\n`);
  [asked, exitBefore] = [undefined, process.exitCode];
  process.exitCode = undefined;
  printed = capturePrinted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = exitBefore;
  await close?.();
  close = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function upThatAnswers(answer: ControlAnswer): Promise<void> {
  const listener = await listenForCommands({
    dir: join(dir, 'data'),
    logger: createRecordingLogger(),
    commands: {
      reload: async (args) => {
        asked = args;
        return answer;
      },
    },
  });
  close = listener.close;
}

async function reload(...args: string[]): Promise<number> {
  await run(['node', 'bartizan', 'reload', '-c', join(dir, 'bartizan.yaml'), ...args]);
  return Number(process.exitCode ?? 0);
}

it('prints what would change, and which alerts would end', async () => {
  const message = 'the configuration could be put in force';
  await upThatAnswers({ ok: true, message, detail: { kind: 'would-apply', changes: CHANGES, ends: ENDS } });
  expect(await reload('--dry-run')).toBe(0);
  expect(asked).toEqual({ dryRun: true, allowRemoval: false });
  expect(printed.out).toBe(`${message}
nodes removed (10): prod/n0, prod/n1, prod/n2, prod/n3, prod/n4, prod/n5, prod/n6, prod/n7, and 2 more
nodes changed (1): prod/m
rules added (1): cpu
other settings changed: schedule
1 open alert would end:
  memory prod/n1
`);
});

it('prints twenty of the alerts that end, and how many more there are', async () => {
  const ends = Array.from({ length: 23 }, (_, i) => ({ ...ENDS[0], labels: { node: `n${i}` } }));
  await upThatAnswers({ ok: true, message: 'in force', detail: { kind: 'applied', changes: CHANGES, ends } });
  await reload();
  expect(printed.out).toContain('23 open alerts end:\n  memory n0\n');
  expect(printed.out).toMatch(/\n {2}memory n19\n {2}and 3 more: --json has all\n$/);
});

it('prints all of it as JSON', async () => {
  await upThatAnswers({
    ok: true,
    message: 'in force',
    detail: { kind: 'applied', changes: CHANGES, ends: [] },
  });
  expect(await reload('--json')).toBe(0);
  expect(JSON.parse(printed.out)).toEqual({
    kind: 'applied',
    message: 'in force',
    changes: CHANGES,
    ends: [],
  });
});

it.each([
  [
    { ok: false, message: 'bartizan.yaml has 1 error', detail: { kind: 'refused' } },
    'refused, nothing has changed: bartizan.yaml has 1 error',
  ],
  [{ ok: false, message: 'this process stops' }, 'this process stops'],
])('exits with 1 for %j', async (answer, text) => {
  await upThatAnswers(answer);
  expect(await reload()).toBe(1);
  expect(printed.out + printed.err).toContain(text);
});

it('finds the process by its data folder where the file is broken', async () => {
  await upThatAnswers({ ok: false, message: 'a broken file', detail: { kind: 'refused' } });
  writeFileSync(join(dir, 'bartizan.yaml'), 'bastions: [');
  expect(await reload()).toBe(1);
  expect(asked).toBeUndefined();
  expect(printed.err).toContain('With `--data FOLDER` this command reaches it');
  expect(await reload('--data', join(dir, 'data'))).toBe(1);
  expect(printed.out).toContain('a broken file');
});

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { holdsHeartbeat } from '../core/health.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createFaults } from './faults.ts';
import { identifyDatabases, runFolderWatch } from './folder-watch.ts';

let dir: string;

beforeEach(() => {
  const parent = mkdtempSync(join(tmpdir(), 'bartizan-folder-'));
  dir = join(parent, 'data');
  mkdirSync(dir);
  writeFileSync(join(dir, 'state.db'), 'ours');
  writeFileSync(join(dir, 'samples.db'), 'ours');
  onTestFinished(() => rmSync(parent, { recursive: true }));
});

function watch() {
  const time = createVirtualTime(0);
  const [faults, logger] = [createFaults(), createRecordingLogger()];
  const stopping = new AbortController();
  const ended = runFolderWatch({
    opened: identifyDatabases(dir),
    ...{ faults, logger, sleep: time.sleep, signal: stopping.signal },
  });
  onTestFinished(async () => {
    stopping.abort();
    await ended;
  });
  return { time, faults, logger };
}

it.each<[string, () => void, string[]]>([
  ['the folder is removed', () => rmSync(dir, { recursive: true }), ['samples.db', 'state.db']],
  ['the folder is moved', () => renameSync(dir, `${dir}.old`), ['samples.db', 'state.db']],
  ['one database is removed', () => rmSync(join(dir, 'samples.db')), ['samples.db']],
  [
    'one is replaced by another file',
    () => {
      writeFileSync(join(dir, 'copy'), 'ours');
      renameSync(join(dir, 'copy'), join(dir, 'state.db'));
    },
    ['state.db'],
  ],
])('%s: health fails, and the log says so once', async (_what, change, files) => {
  const { time, faults, logger } = watch();
  await time.advanceTo(20_000);
  expect(faults.findings()).toEqual({ reasons: [], warnings: [] });
  change();
  await time.advanceTo(60_000);
  const { reasons } = faults.findings();
  const detail = files.map((file) => join(dir, file)).join(', ');
  expect(reasons).toMatchObject([{ code: 'data-replaced', detail }]);
  expect(reasons[0]?.words).not.toContain(dir);
  expect(holdsHeartbeat(faults.findings())).toBeUndefined();
  expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
});

it('a folder that is put back ends it', async () => {
  const { time, faults } = watch();
  renameSync(dir, `${dir}.old`);
  await time.advanceTo(10_000);
  expect(faults.findings().reasons).toHaveLength(1);
  renameSync(`${dir}.old`, dir);
  await time.advanceTo(20_000);
  expect(faults.findings().reasons).toEqual([]);
});

it('a database that is written, and one that was never there, are no change', async () => {
  rmSync(join(dir, 'samples.db'));
  const { time, faults } = watch();
  writeFileSync(join(dir, 'state.db'), 'more');
  writeFileSync(join(dir, 'samples.db'), 'of the release before');
  await time.advanceTo(30_000);
  expect(faults.findings().reasons).toEqual([]);
});

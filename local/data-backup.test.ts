import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
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
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { killRepeatedly } from '../test/contract/kill-loop.ts';
import { examineStory } from '../test/contract/state-story.ts';
import { scaledMs } from '../test/machine-speed.ts';
import { until } from '../test/until.ts';
import { readArchive } from './archive.ts';
import { backUpData } from './data-backup.ts';
import { contentOf, makeData, NOW, OPTIONS, PICTURE } from './data-folder.fixture.ts';
import { restoreData } from './data-restore.ts';

const contract = (name: string) => join(import.meta.dirname, '../test/contract', name);
const LOOP = join(import.meta.dirname, '../test/contract/backup-writer.ts');

let root: string;
let data: string;
let file: string;
let children: ChildProcess[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bartizan-backup-'));
  data = join(root, 'data');
  file = join(root, 'kept', 'bartizan.tar');
  mkdirSync(join(root, 'kept'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

function start(script: string, ...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  return { child, lines: () => output.split('\n').slice(0, -1) };
}

it('a backup has the data of a folder in one file that only its owner may read, and a restore brings them back', async () => {
  await makeData(data, 20);
  mkdirSync(join(data, 'before-restore-20250101T000000Z'));
  writeFileSync(join(data, 'state.db.aside-20250101T000000Z'), 'x');
  symlinkSync('/etc/passwd', join(data, 'charts', `B${PICTURE.slice(1)}`));
  const { manifest, bytes, warnings } = await backUpData(data, file, OPTIONS);
  expect(Object.keys(manifest.files).sort()).toEqual(
    [
      `charts/${PICTURE}`,
      'audit.jsonl',
      'cli/actions/audit.jsonl',
      'cli/audit.jsonl',
      'known_hosts',
      'samples.db',
      'state.db',
    ].sort(),
  );
  expect([manifest.program, manifest.takenAtMs, warnings]).toEqual(['1.2.3', NOW, []]);
  expect([statSync(file).mode & 0o777, statSync(file).size]).toEqual([0o600, bytes]);
  expect(readdirSync(join(root, 'kept'))).toEqual(['bartizan.tar']);

  const before = await contentOf(data);
  const fresh = join(root, 'fresh');
  expect(await restoreData(fresh, file, OPTIONS)).toEqual({ manifest, aside: undefined });
  expect(await contentOf(fresh)).toEqual(before);
  expect(statSync(join(fresh, 'state.db')).mode & 0o777).toBe(0o600);
});

it('a folder whose state and samples are elsewhere is backed up without them', async () => {
  await makeData(data, 3);
  for (const name of readdirSync(data).filter((one) => /\.db/.test(one))) rmSync(join(data, name));
  const { manifest } = await backUpData(data, file, OPTIONS);
  expect(Object.keys(manifest.files).sort()).toEqual(
    [`charts/${PICTURE}`, 'audit.jsonl', 'cli/actions/audit.jsonl', 'cli/audit.jsonl', 'known_hosts'].sort(),
  );
});

it('any tar lists and unpacks a backup', async () => {
  await makeData(data, 4);
  await backUpData(data, file, OPTIONS);
  const names = execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n');
  expect(names).toEqual(expect.arrayContaining(['state.db', 'samples.db', `charts/${PICTURE}`]));
  expect(names.at(-1)).toBe('manifest.json');
  execFileSync('tar', ['-xf', file, '-C', root, 'known_hosts']);
  expect(readFileSync(join(root, 'known_hosts'), 'utf8')).toBe('host 4\n');
});

it('backups beside processes that write have everything that was acknowledged before, and no half of a step', async () => {
  await makeData(data, 1);
  const state = start(contract('state-writer.ts'), data);
  const samples = start(contract('store-writer.ts'), data);
  await until('both write', () => state.lines().length > 5 && samples.lines().length > 2);
  let checked = 0;
  for (let turn = 0; turn < 4; turn++) {
    const acknowledged = state.lines().slice(1);
    await backUpData(data, file, { ...OPTIONS, replace: true });
    const fresh = join(root, `fresh-${turn}`);
    await restoreData(fresh, file, OPTIONS);
    const restored = openSqliteState({ path: fresh });
    const stored = await examineStory(restored);
    await restored.close();
    for (const line of acknowledged) {
      const [what, id] = line.split(' ') as [keyof typeof stored, string];
      expect(stored[what], line).toContain(id);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(20);
});

it('a backup that is killed leaves the last one, or none; the next one works and clears up', async () => {
  await makeData(data, 20);
  let whole = 0;
  await killRepeatedly({
    script: LOOP,
    args: ['backup', data, file],
    times: 6,
    maxLifeMs: scaledMs(250),
    async onKilled() {
      if (!existsSync(file)) return;
      expect(Object.keys(readArchive(file).files)).toHaveLength(7);
      whole++;
    },
  });
  expect(whole).toBeGreaterThan(0);
  await backUpData(data, file, { ...OPTIONS, replace: true });
  expect(readdirSync(join(root, 'kept'))).toEqual(['bartizan.tar']);
});

describe('refused, with nothing changed', () => {
  it('a backup over a file, over data, into a missing folder, and of nothing', async () => {
    await expect(backUpData(data, file, OPTIONS)).rejects.toThrow(/there are no data in .*data yet/);
    await makeData(data, 3);
    writeFileSync(file, 'mine');
    await expect(backUpData(data, file, OPTIONS)).rejects.toThrow(/exists already; --force/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const inside = join(data, 'state.db');
    await expect(backUpData(data, inside, { ...OPTIONS, replace: true })).rejects.toThrow(
      /lies in the data folder/,
    );
    const missing = join(root, 'missing', 'f.tar');
    await expect(backUpData(data, missing, OPTIONS)).rejects.toThrow(
      /missing: there is no such folder|no such folder/,
    );
    await expect(backUpData(data, join(root, 'kept'), OPTIONS)).rejects.toThrow(/is a folder/);
    const link = join(root, 'kept', 'link');
    symlinkSync(file, link);
    execFileSync('mkfifo', [join(root, 'kept', 'pipe')]);
    for (const other of [link, join(root, 'kept', 'pipe')])
      await expect(backUpData(data, other, { ...OPTIONS, replace: true })).rejects.toThrow(
        /is a link or a device/,
      );
    await expect(backUpData(data, join(file, 'f.tar'), OPTIONS)).rejects.toThrow(
      /its folder is a file \(ENOTDIR\)/,
    );
  });

  it('a backup beside a link, or a file, in the place of its own folder: nothing that it leads to is removed', async () => {
    await makeData(data, 3);
    const victim = join(root, 'victim');
    mkdirSync(victim);
    writeFileSync(join(victim, 'precious'), 'x');
    const work = join(root, 'kept', '.bartizan-backup.part');
    symlinkSync(victim, work);
    await expect(backUpData(data, file, OPTIONS)).rejects.toThrow(/part is not a folder of this user/);
    expect(readdirSync(victim)).toEqual(['precious']);
    rmSync(work);
    writeFileSync(work, '');
    await expect(backUpData(data, file, OPTIONS)).rejects.toThrow(/part is not a folder of this user/);
    expect(readdirSync(join(root, 'kept'))).toEqual(['.bartizan-backup.part']);
  });

  it('a backup of a damaged database: the last backup stays', async () => {
    await makeData(data, 3);
    await backUpData(data, file, OPTIONS);
    const before = readFileSync(file);
    const bytes = readFileSync(join(data, 'state.db'));
    writeFileSync(join(data, 'state.db'), bytes.fill(0xa5, 4096, 3 * 4096));
    await expect(backUpData(data, file, { ...OPTIONS, replace: true })).rejects.toThrow(
      /state\.db is damaged/,
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

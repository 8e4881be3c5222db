import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { epochOfStart } from '../core/stages/epoch.ts';
import { killRepeatedly } from '../test/contract/kill-loop.ts';
import { scaledMs } from '../test/machine-speed.ts';
import { backUpData } from './data-backup.ts';
import { contentOf, makeData, OPTIONS } from './data-folder.fixture.ts';
import { completeRestore, restoreData } from './data-restore.ts';
import { lockFolder } from './lock.ts';

const LOOP = join(import.meta.dirname, '../test/contract/backup-writer.ts');

let root: string;
let data: string;
let file: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bartizan-restore-'));
  data = join(root, 'data');
  file = join(root, 'kept', 'bartizan.tar');
  mkdirSync(join(root, 'kept'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('a restore that is killed leaves one backup or the other, completely', async () => {
  const backups = [];
  for (const steps of [5, 50]) {
    await makeData(join(root, `source-${steps}`), steps);
    const backup = join(root, 'kept', `${steps}.tar`);
    await backUpData(join(root, `source-${steps}`), backup, OPTIONS);
    backups.push({ backup, found: await contentOf(join(root, `source-${steps}`)) });
  }
  const [first, second] = backups;
  await restoreData(data, first?.backup ?? '', OPTIONS);
  const seen = new Set<string>();
  await killRepeatedly({
    script: LOOP,
    args: ['restore', data, second?.backup ?? '', first?.backup ?? ''],
    times: 6,
    maxLifeMs: scaledMs(250),
    async onKilled() {
      const lock = lockFolder(data);
      completeRestore(data);
      lock.release();
      const found = await contentOf(data);
      expect([first?.found, second?.found]).toContainEqual(found);
      seen.add(found.hosts);
    },
  });
  expect(seen.size).toBeGreaterThan(0);
});

it('messages after the restore of a backup of this minute have other keys', async () => {
  await makeData(data, 3);
  const epochOf = async (path: string) => {
    const state = openSqliteState({ path });
    const roundMs = OPTIONS.nowMs();
    const status = { cluster: 'one', node: 'a', check: 'usage', roundMs, ok: true };
    await state.putTargetStatus([status], { bastion: 'seoul', index: 0 });
    const clock = { nowMs: () => roundMs + 1_000 };
    return await epochOfStart({ state, clock }, 60_000).finally(() => state.close());
  };
  expect(await epochOf(data)).toBeUndefined();
  await backUpData(data, file, OPTIONS);
  const epochs = new Set([await epochOf(data)]);
  for (const passedMs of [5_000, 6_000]) {
    await restoreData(data, file, { replace: true, nowMs: () => OPTIONS.nowMs() + passedMs });
    epochs.add(await epochOf(data));
  }
  expect(epochs.size).toBe(3);
});

describe('each moment at which a restore may be killed after its check', () => {
  const STAMP = '20260102T030405Z';
  const begun = async () => {
    await makeData(data, 3);
    await makeData(join(root, 'new'), 30);
    renameSync(join(root, 'new'), join(data, `.restore-checked-${STAMP}`));
  };
  const MOMENTS: [name: string, prepare: () => void][] = [
    ['nothing is moved', () => {}],
    [
      'half of what was there is moved aside',
      () => {
        mkdirSync(join(data, `before-restore-${STAMP}`));
        renameSync(join(data, 'state.db'), join(data, `before-restore-${STAMP}`, 'state.db'));
      },
    ],
    [
      'half of the backup is in its place',
      () => {
        mkdirSync(join(data, `before-restore-${STAMP}`));
        for (const name of ['state.db', 'samples.db', 'audit.jsonl', 'charts', 'cli', 'known_hosts'])
          renameSync(join(data, name), join(data, `before-restore-${STAMP}`, name));
        const moving = join(data, `.restore-moving-${STAMP}`);
        renameSync(join(data, `.restore-checked-${STAMP}`), moving);
        renameSync(join(moving, 'state.db'), join(data, 'state.db'));
      },
    ],
  ];
  it.each(MOMENTS)('%s', async (_, prepare) => {
    await begun();
    prepare();
    expect(completeRestore(data)).toEqual({ aside: `before-restore-${STAMP}` });
    expect((await contentOf(data)).hosts).toBe('host 30\n');
    expect((await contentOf(join(data, `before-restore-${STAMP}`))).hosts).toBe('host 3\n');
    expect(readdirSync(data).filter((name) => name.startsWith('.restore'))).toEqual([]);
    expect(completeRestore(data)).toBeUndefined();
  });
});

describe('refused, with nothing changed', () => {
  it('a backup that is not there', async () => {
    await expect(restoreData(data, file, OPTIONS)).rejects.toThrow(`${file} does not exist`);
  });

  it('a restore into a folder with data, but for --force, which moves them aside', async () => {
    await makeData(data, 3);
    writeFileSync(join(data, 'bartizan.yaml'), 'mine');
    await backUpData(data, file, OPTIONS);
    await expect(restoreData(data, file, OPTIONS)).rejects.toThrow(
      /has data \(audit.jsonl, charts, cli, …\); --force/,
    );
    const { aside } = await restoreData(data, file, { ...OPTIONS, replace: true });
    expect(aside).toBe('before-restore-20260102T030405Z');
    // Nothing but data is moved.
    expect(readFileSync(join(data, 'bartizan.yaml'), 'utf8')).toBe('mine');
    expect((await contentOf(join(data, aside ?? ''))).transitions).toBe((await contentOf(data)).transitions);
  });

  it('a restore into a folder that a process uses', async () => {
    await makeData(data, 3);
    await backUpData(data, file, OPTIONS);
    const lock = lockFolder(data);
    await expect(restoreData(data, file, { ...OPTIONS, replace: true })).rejects.toThrow(
      /another bartizan process runs on/,
    );
    lock.release();
  });

  it('an archive that is cut off anywhere, changed anywhere, or not ours', async () => {
    await makeData(data, 3);
    const { bytes } = await backUpData(data, file, OPTIONS);
    const whole = readFileSync(file);
    const dir = join(root, 'into');
    const broken = join(root, 'broken.tar');
    const refusal = async (content: Buffer | string) => {
      writeFileSync(broken, content);
      const refused = await restoreData(dir, broken, OPTIONS).catch((error: Error) => error.message);
      expect(refused, 'it was restored').toBeTypeOf('string');
      expect(readdirSync(dir).filter((name) => !name.startsWith('lock.db'))).toEqual([]);
      return refused;
    };
    for (let i = 0; i < 12; i++) {
      // The last two blocks are empty.
      const at = Math.floor(((bytes - 1_100) * i) / 12);
      expect(await refusal(whole.subarray(0, at))).toMatch(/is no backup|cut off|damaged/);
    }
    for (const at of [700, 5_000, Math.floor(bytes / 2)]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      expect(await refusal(changed)).toMatch(/damaged|is not what was backed up/);
    }
    expect(await refusal('hello '.repeat(1_000))).toMatch(/is no backup of Bartizan/);
    expect(await refusal('')).toMatch(/is no backup of Bartizan/);
    execFileSync('tar', ['-cf', broken, '--format=ustar', '-C', root, 'kept/bartizan.tar']);
    expect(await refusal(readFileSync(broken))).toMatch(/is no backup of Bartizan: it contains "kept/);
    const newer = Buffer.from(whole.toString('latin1').replace('{"format":1', '{"format":2'), 'latin1');
    expect(await refusal(newer)).toMatch(/written by a newer bartizan \(1\.2\.3, format 2/);
  });
});

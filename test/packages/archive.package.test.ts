// The tar.gz on a machine without Node: PATH has what the starting script needs, and nothing else.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HERE } from '../../packaging/node-releases.ts';
import { findProgram } from '../program-path.ts';
import { built, VERSION } from './built.ts';
import {
  expectMainJob,
  type Launch,
  type MainJob,
  run,
  startMainJob,
  WITHOUT_BINDING,
} from './main-job.fixture.ts';

let job: MainJob;
let launch: Launch;

beforeAll(async () => {
  job = await startMainJob();
  // A blank and a letter beyond ASCII: people unpack it anywhere.
  const unpacked = join(job.dir, 'où je veux');
  const path = join(job.dir, 'path');
  for (const folder of [unpacked, path]) mkdirSync(folder);
  execFileSync('tar', ['-xzf', built.archive, '-C', unpacked]);
  const link = join(job.dir, 'link');
  symlinkSync(join(unpacked, `bartizan-${VERSION}-linux-${HERE}/bin/bartizan`), link);
  symlinkSync(findProgram('readlink') as string, join(path, 'readlink'));
  launch = { command: [link], env: { PATH: path, HOME: job.dir } };
});
afterAll(() => job?.stop());

it('finds its own Node through a link, and knows its version', async () => {
  expect(await run(launch, '--version')).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  await expect(run({ command: ['node'], env: launch.env })).rejects.toThrow('ENOENT');
});

it('keeps compiled code where others may not write, under any umask', async () => {
  const cache = join(dirname(await realpath(launch.command[0])), '../lib/.cache');
  rmSync(cache, { recursive: true, force: true });
  const umask = process.umask(0);
  await run(launch, '--version').finally(() => process.umask(umask));
  const folders = ['.', ...(await readdir(cache))].map((name) => join(cache, name));
  expect(folders.length).toBeGreaterThan(1);
  for (const folder of folders) expect([folder, statSync(folder).mode & 0o022]).toEqual([folder, 0]);
});

it('does the main job with native ciphers', async () => {
  expect(await expectMainJob(job, launch)).not.toMatch(WITHOUT_BINDING);
});

it('belongs to root, and nobody else may write its files', () => {
  const list = execFileSync('tar', ['-tvzf', built.archive, '--numeric-owner'], { encoding: 'utf8' });
  const lines = list.trim().split('\n');
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((line) => !/^[-d]r[w-][x-]r-[x-]r-[x-] 0\/0 /.test(line))).toEqual([]);
});

it('has the text of the licence of everything in it', () => {
  const name = `bartizan-${VERSION}-linux-${HERE}/lib/THIRD-PARTY-LICENSES.txt`;
  const text = execFileSync('tar', ['-xzOf', built.archive, name], { encoding: 'utf8' });
  const licenses = text.split(`\n\n${'-'.repeat(78)}\n\n`);
  expect(licenses.length).toBeGreaterThan(100);
  expect(licenses.filter((license) => license.length < 500)).toEqual([]);
  for (const name of ['ssh2', 'nan', 'agent-base', '@resvg/resvg-js'])
    expect(licenses.filter((license) => license.startsWith(`${name} `))).toHaveLength(1);
});

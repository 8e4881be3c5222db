// The npm tarball, installed globally, with each Node that it is for, without native ciphers, and with a Node that is too old.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HERE, NODE_MAJORS, type NodeMajor, nodeFolder } from '../../packaging/node-releases.ts';
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
const launchOf = (major: NodeMajor): Launch => ({
  command: [join(nodeFolder(major, HERE), 'bin/node'), join(job.dir, 'npm/bin/bartizan')],
  env: { HOME: job.dir },
});

beforeAll(async () => {
  job = await startMainJob();
  mkdirSync(join(job.dir, 'npm'));
  const options = ['--global', '--prefix', join(job.dir, 'npm'), '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...options, built.tarball], { cwd: '/', stdio: 'pipe' });
});
afterAll(() => job?.stop());

it.each(NODE_MAJORS)('runs on Node %i, and does the main job with native ciphers', async (major) => {
  expect(await run(launchOf(major), '--version')).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  expect(await expectMainJob(job, launchOf(major))).not.toMatch(WITHOUT_BINDING);
});

it('asks npm for the renderer alone, and runs no script', () => {
  const folder = join(job.dir, 'npm/lib/node_modules/bartizan');
  const manifest = JSON.parse(execFileSync('cat', [join(folder, 'package.json')], { encoding: 'utf8' }));
  expect(manifest).toMatchObject({ version: VERSION, private: true, engines: { node: '24 || 26' } });
  expect(Object.keys(manifest.dependencies)).toEqual(['@resvg/resvg-js']);
  expect(manifest.scripts).toBeUndefined();
  expect(existsSync(join(folder, 'node_modules/@resvg/resvg-js'))).toBe(true);
});

it('has files that everybody may read, whoever built it', () => {
  const list = execFileSync('tar', ['-tvzf', built.tarball], { encoding: 'utf8' }).trim().split('\n');
  expect(list.length).toBeGreaterThan(20);
  expect(list.filter((line) => !/^-rw[-x]r-[-x]r-[-x] /.test(line))).toEqual([]);
});

it('does the main job without a binding for the Node that runs, and says once what that costs', async () => {
  rmSync(join(job.dir, 'npm/lib/node_modules/bartizan/native'), { recursive: true });
  expect((await expectMainJob(job, launchOf(24))).match(WITHOUT_BINDING)).toHaveLength(1);
});

it('refuses a Node that is too old in a sentence', async () => {
  const old = join(job.dir, 'old.mjs');
  const launcher = join(job.dir, 'npm/lib/node_modules/bartizan/bartizan.mjs');
  writeFileSync(
    old,
    `Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } });\nawait import(${JSON.stringify(launcher)});\n`,
  );
  const [node] = launchOf(24).command;
  expect(await run({ command: [node, old], env: {} }, '--version')).toEqual({
    code: 1,
    out: '',
    err: 'bartizan: it needs Node 24 or 26, and this is Node 20.20.2; the tar.gz and the .deb bring their own\n',
  });
});

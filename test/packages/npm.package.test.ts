// The npm tarball, installed globally, with each Node that it is for, and with one that is too old.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NODE_MAJORS, type NodeMajor, nodeFolder } from '../../packaging/node-releases.ts';
import { built, HERE, VERSION } from './built.ts';
import { expectMainJob, type Launch, type MainJob, run, startMainJob } from './main-job.fixture.ts';

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

it.each(NODE_MAJORS)('runs on Node %i, and does the main job', async (major) => {
  expect(await run(launchOf(major), '--version')).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  await expectMainJob(job, launchOf(major));
});

it('asks npm for the renderer alone, and runs no script', () => {
  const folder = join(job.dir, 'npm/lib/node_modules/bartizan');
  const manifest = JSON.parse(execFileSync('cat', [join(folder, 'package.json')], { encoding: 'utf8' }));
  expect(manifest).toMatchObject({ version: VERSION, private: true, engines: { node: '24 || 26' } });
  expect(Object.keys(manifest.dependencies)).toEqual(['@resvg/resvg-js']);
  expect(manifest.scripts).toBeUndefined();
  expect(existsSync(join(folder, 'node_modules/@resvg/resvg-js'))).toBe(true);
});

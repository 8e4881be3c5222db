// `npm test` prints which suites are left out and how to get them, then runs the others. Arguments go to vitest. With
// CI set, no suite may be left out and no test skipped, and the last line counts: `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { ciVerdict } from './run-results.ts';
import { leftOutSuites, prepareSuites } from './suites.ts';

const RESULTS = 'out/test-results.json';
const ci = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false';
const left = leftOutSuites();
for (const { what, missing, get, replacement } of left) {
  const other = replacement === undefined ? '' : `; other tests run ${replacement}`;
  process.stdout.write(`left out: tests with ${what} (${missing}; to run them: ${get}${other})\n`);
}
const needed = left.filter(({ replacement }) => replacement === undefined);
await prepareSuites();
mkdirSync('out', { recursive: true });
rmSync(RESULTS, { force: true });
const run = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = run.status ?? 1;

if (ci) {
  const json = existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : undefined;
  const { text, passed } = ciVerdict(json, run, needed.length);
  process.stdout.write(text);
  if (!passed) process.exitCode ||= 1;
}

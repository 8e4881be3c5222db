// `npm test` prints which suites are left out and how to get them, then runs the others. Arguments go to vitest. With
// CI set, no suite may be left out and no test skipped, and the last line counts: `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
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
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(
    readFileSync(RESULTS, 'utf8'),
  ) as Record<string, number>;
  const skipped = (numPendingTests ?? 0) + (numTodoTests ?? 0);
  if (needed.length > 0)
    process.stdout.write(`${needed.length} suites were left out: that is not allowed here\n`);
  if (skipped > 0) process.stdout.write(`${skipped} tests were skipped: that is not allowed here\n`);
  if (needed.length > 0 || skipped > 0 || (numFailedTestSuites ?? 0) > 0 || !numPassedTests)
    process.exitCode = 1;
  process.stdout.write(`${numPassedTests ?? 0} passed, ${numFailedTests ?? 0} failed\n`);
}

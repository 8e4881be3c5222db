import { expect, it } from 'vitest';
import { ciVerdict } from './run-results.ts';

const ENDED = { status: 0, signal: null };
const results = (change: object = {}) =>
  JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, ...change });

it.each([
  [results(), 0, '3 passed, 0 failed\n', true],
  [results({ numFailedTests: 1, numFailedTestSuites: 1 }), 0, '3 passed, 1 failed\n', false],
  [results({ numPassedTests: 0 }), 0, '0 passed, 0 failed\n', false],
  [
    results({ numTodoTests: 2 }),
    0,
    '2 tests were skipped: that is not allowed here\n3 passed, 0 failed\n',
    false,
  ],
  [results(), 1, '1 suites were left out: that is not allowed here\n3 passed, 0 failed\n', false],
])('%s with %i suites left out: %j', (json, needed, text, passed) => {
  expect(ciVerdict(json, ENDED, needed)).toEqual({ text, passed });
});

it('a run that was interrupted has no numbers', () => {
  for (const json of [undefined, '', '{"numPassedTests":'])
    expect(ciVerdict(json, { status: null, signal: 'SIGINT' }, 0)).toEqual({
      text: 'vitest ended (SIGINT) before it wrote its results: nothing is counted\n',
      passed: false,
    });
  expect(ciVerdict(undefined, { status: 130, signal: null }, 0).text).toContain('(exit code 130)');
});

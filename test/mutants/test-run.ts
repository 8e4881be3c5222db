import { type RunnerTestCase, type RunnerTestSuite, TestRunner } from 'vitest';

type Hook = (...given: unknown[]) => unknown;
type Hooks = Record<'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach', Hook[]>;

/** All tests in a suite that should run. */
export function testsIn(suite: RunnerTestSuite): RunnerTestCase[] {
  return suite.tasks.flatMap((task) => (task.type === 'suite' ? testsIn(task) : [task]));
}

/** The suites around a test, outermost first. */
function suitesAround(test: RunnerTestCase): RunnerTestSuite[] {
  const out: RunnerTestSuite[] = [];
  for (let suite = test.suite; suite; suite = suite.suite) out.unshift(suite);
  return out;
}

const hooksOf = (suite: RunnerTestSuite) => TestRunner.getSuiteHooks(suite) as unknown as Hooks;

/** Runs what all tests of a suite need; returns what cleans up. */
export async function openSuite(suite: RunnerTestSuite): Promise<() => Promise<void>> {
  const cleanups: Hook[] = [];
  for (const hook of hooksOf(suite).beforeAll) {
    const cleanup = await hook(suite);
    if (typeof cleanup === 'function') cleanups.unshift(cleanup as Hook);
  }
  const inner: (() => Promise<void>)[] = [];
  for (const task of suite.tasks) if (task.type === 'suite') inner.push(await openSuite(task));
  return async () => {
    for (const close of inner) await close();
    for (const hook of [...hooksOf(suite).afterAll].reverse()) await hook(suite);
    for (const cleanup of cleanups) await cleanup();
  };
}

/** Runs a test once more with its hooks. Rejects if it fails. */
export async function runTest(test: RunnerTestCase): Promise<void> {
  const suites = suitesAround(test);
  const cleanups: Hook[] = [];
  try {
    for (const suite of suites) {
      for (const hook of hooksOf(suite).beforeEach) {
        const cleanup = await hook(test.context, suite);
        if (typeof cleanup === 'function') cleanups.unshift(cleanup as Hook);
      }
    }
    await TestRunner.getTestFn(test)();
  } finally {
    for (const suite of suites.reverse()) {
      for (const hook of [...hooksOf(suite).afterEach].reverse()) await hook(test.context, suite);
    }
    for (const cleanup of cleanups) await cleanup();
  }
}

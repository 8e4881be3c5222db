import { defineConfig } from 'vitest/config';
import { scaledMs } from './test/machine-speed.ts';
import { ALONE, LongestFirst } from './test/processes.ts';
import { leftOutPatterns } from './test/suites.ts';

/** Each in a process of its own. */
const UNITS = ['{adapters,cli,test/cloud}/**/*.test.ts'];
// `npm run packages` runs those of packages.
const exclude = ['**/node_modules/**', '**/*.package.test.ts', ...leftOutPatterns()];

export default defineConfig({
  test: {
    // For what hangs; what is only slow stays below, also when load begins after this line.
    testTimeout: scaledMs(900_000),
    hookTimeout: scaledMs(400_000),
    env: { POWERTOOLS_METRICS_DISABLED: 'true' },
    // The longest files wait for clocks of other programs most of their time, so that two cores have room for a third.
    maxWorkers: 3,
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'out/test-results.json' },
    sequence: { sequencer: LongestFirst },
    projects: [
      // Starting a process and loading what a test imports costs up to a second.
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['{core,functions,history,lib,local,localstack,packaging,test,scripts}/**/*.test.ts'],
          exclude: [...exclude, ...ALONE, ...UNITS],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'units',
          include: UNITS,
          exclude: [...exclude, ...ALONE],
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, exclude } },
    ],
  },
});

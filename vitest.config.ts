import { defineConfig } from 'vitest/config';
import { leftOutPatterns } from './test/suites.ts';

export default defineConfig({
  test: {
    include: ['{core,adapters,functions,lib,local,cli,localstack,test,scripts}/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...leftOutPatterns()],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    env: { POWERTOOLS_METRICS_DISABLED: 'true' },
    maxWorkers: 2,
    reporters: process.env.CI ? ['default', 'json'] : ['default'],
    outputFile: { json: 'out/test-results.json' },
  },
});

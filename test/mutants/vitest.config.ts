import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { instrument } from './instrument.ts';
import { readJob } from './job.ts';

const root = join(import.meta.dirname, '../..');
const files = new Map(readJob().files.map(({ path, firstId }) => [join(root, path), { path, firstId }]));

export default defineConfig({
  root,
  plugins: [
    {
      name: 'mutants',
      enforce: 'pre',
      load(id) {
        const file = files.get(id);
        return file ? instrument(file.path, readFileSync(id, 'utf8'), file.firstId).code : undefined;
      },
    },
  ],
  test: {
    include: ['test/mutants/driver.ts'],
    setupFiles: ['test/mutants/switch.ts'],
    // The driver itself runs the tests that it loads.
    testNamePattern: 'executes the mutants',
    testTimeout: 0,
    hookTimeout: 0,
    env: { POWERTOOLS_METRICS_DISABLED: 'true' },
    maxWorkers: 1,
    // A cache would keep what another run instrumented.
    fsModuleCache: false,
    reporters: ['dot'],
    silent: true,
  },
});

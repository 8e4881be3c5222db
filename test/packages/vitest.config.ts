// `npm run packages`: the tests that build a package and run the main job from it, over real SSH. They are no part of `npm test`,
// since building takes longer than most tests. What one of them needs and does not find is an error.
import { defineConfig } from 'vitest/config';
import { scaledMs } from '../machine-speed.ts';

export default defineConfig({
  test: {
    include: ['packaging/**/*.package.test.ts', 'test/packages/*.package.test.ts'],
    globalSetup: ['test/packages/build-packages.ts'],
    testTimeout: scaledMs(120_000),
    hookTimeout: scaledMs(400_000),
    // Each builds, and a build has both cores.
    fileParallelism: false,
  },
});

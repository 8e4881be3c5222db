// `npm run generate` writes every generated file anew. A test, which writes the file, also checks it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Generated {
  /** A file, or a folder with all its files. */
  path: string;
  /** The source of the file. */
  source: string;
  test: string;
}

export const GENERATED: readonly Generated[] = [
  {
    path: 'docs/configuration.md',
    source: 'the configuration schema, the catalogue and the default rules',
    test: 'cli/check.test.ts',
  },
  {
    path: 'docs/schema/bartizan.schema.json',
    source: 'the configuration schema',
    test: 'cli/check.test.ts',
  },
  {
    path: 'docs/schema/webhook-v1.schema.json',
    source: 'the body of the webhook channel',
    test: 'adapters/channels/webhook/webhook.test.ts',
  },
  { path: 'docs/cli.md', source: 'the commands', test: 'cli/reference.test.ts' },
  {
    path: 'docs/metrics.md',
    source: 'the metrics of the pipeline itself',
    test: 'test/metrics-page/page.test.ts',
  },
  {
    path: 'docs/promql.md',
    source: 'the functions of the query language',
    test: 'test/promql-page/page.test.ts',
  },
  { path: 'docs/channels.md', source: 'the channels', test: 'test/channel-page/page.test.ts' },
  { path: 'docs/images/channels', source: 'their messages, drawn', test: 'test/channel-page/page.test.ts' },
  {
    path: 'docs/troubleshooting.md',
    source: 'the messages of the code, and test/troubleshooting/',
    test: 'test/troubleshooting/page.test.ts',
  },
  { path: 'test/fixtures/broken.txt', source: 'what `check` prints', test: 'cli/check.test.ts' },
  { path: 'test/fixtures/plots', source: 'what `plot` prints', test: 'cli/plot.test.ts' },
  {
    path: 'packaging/chart/rendered',
    source: 'the Helm chart and its examples',
    test: 'packaging/chart/chart.chart.test.ts',
  },
];

/**
 * The arguments of vitest. `--update` is last: it would take a file after it for its value, and leave that file out.
 */
export function updateArguments(): string[] {
  return ['run', ...new Set(GENERATED.map(({ test }) => test)), '--update'];
}

if (import.meta.main) {
  const run = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', ...updateArguments()], {
    cwd: join(import.meta.dirname, '..'),
    stdio: 'inherit',
    // For pictures, which no snapshot contains.
    env: { ...process.env, UPDATE_DOCS: '1' },
  });
  process.exitCode = run.status ?? 1;
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXAMPLE } from './synth.ts';

it.each<[what: string, context: Record<string, string>, printed: string]>([
  [
    'without a configuration, so that nobody deploys the example by mistake',
    {},
    'no configuration: add `-c config=',
  ],
  [
    'with a misspelt setting',
    { config: EXAMPLE, vpcID: 'vpc-11111111' },
    '-c vpcID: no such setting; did you mean `vpcId`?',
  ],
  [
    'with a mark that a person wrote by hand',
    { config: EXAMPLE, 'bartizan:checked': 'true' },
    'CDK uses other settings than `npm run deploy` checked: a network of its own',
  ],
])('the CDK app stops at its start %s', (_, context, printed) => {
  const folder = mkdtempSync(join(tmpdir(), 'bartizan-app-'));
  const CDK_CONTEXT_JSON = JSON.stringify({ ...context, 'aws:cdk:bundling-stacks': [] });
  const app = spawnSync(process.execPath, ['bin/app.ts'], {
    encoding: 'utf8',
    env: { ...process.env, CDK_CONTEXT_JSON, CDK_OUTDIR: join(folder, 'out') },
  });
  rmSync(folder, { recursive: true, force: true });
  expect(app.stderr).toContain(printed);
  expect(app.status).toBe(1);
});

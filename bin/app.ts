// Entry of AWS CDK, see cdk.json: `npx cdk synth -c config=FILE`.
import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { loadConfig } from '../cli/config-file.ts';
import { ConfigError } from '../core/errors.ts';
import { defineStacks } from '../lib/stacks.ts';

const app = new App();
const file = String(app.node.tryGetContext('config') ?? 'examples/aws/bartizan.yaml');
try {
  const { config } = await loadConfig(file);
  defineStacks(app, { file, text: readFileSync(file, 'utf8'), config });
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

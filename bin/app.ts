// The entry of AWS CDK, see cdk.json: `npx cdk synth -c config=FILE`.
import { App } from 'aws-cdk-lib';
import { loadConfig } from '../cli/config-file.ts';
import { ConfigError } from '../core/errors.ts';
import { requireWellSpelt } from '../lib/known-settings.ts';
import { defineStacks } from '../lib/stacks.ts';
import { warnUnchecked } from '../lib/unchecked.ts';

const app = new App();
try {
  const file: unknown = app.node.tryGetContext('config');
  // A deployment of the example by mistake would replace the one in production.
  if (typeof file !== 'string' || file === '')
    throw new ConfigError(
      'no configuration: add `-c config=bartizan.yaml`; to read templates, `npx cdk synth -c config=examples/aws/bartizan.yaml`',
    );
  requireWellSpelt(Object.keys(app.node.getAllContext()));
  const { config } = await loadConfig(file);
  const { pipeline } = defineStacks(app, { file, config });
  warnUnchecked(pipeline.stack, file);
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ConfigError } from '../core/errors.ts';
import { CHECKED, checkedMark } from './checked.ts';
import { describeSettings, readSettings } from './settings.ts';

/**
 * `cdk deploy` alone does not read the last deployment: this prints the settings that it uses before anything changes.
 * @throws ConfigError where `npm run deploy` checked other settings than CDK uses
 */
export function warnUnchecked(scope: Construct, file: string): void {
  const context = (name: string) => scope.node.tryGetContext(name);
  const settings = readSettings(context);
  const mark = context(CHECKED);
  if (mark === checkedMark(settings)) return;
  if (mark !== undefined)
    throw new ConfigError(
      `CDK takes other settings than those that were looked at: ${describeSettings(settings)}. Some stand in cdk.context.json or ~/.cdk.json: write them after \`-c\` or into cdk.json`,
    );
  Annotations.of(scope).addWarningV2(
    'bartizan:unchecked',
    `Taken is, for the deployment \`${settings.name}\`: the configuration ${file}, ${describeSettings(settings)}. \`npm run deploy\` keeps what the last deployment had and is left out, looks at the account first, and uploads the configuration; \`cdk deploy\` does none of it.`,
  );
}

import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ConfigError } from '../core/errors.ts';
import { CHECKED, checkedMark } from './checked.ts';
import { describeSettings, readSettings } from './settings.ts';

/**
 * `cdk deploy` alone does not read the last deployment, so this prints the settings that it uses before anything
 * changes.
 * @throws ConfigError when `npm run deploy` checked other settings than CDK uses
 */
export function warnUnchecked(scope: Construct, file: string): void {
  const context = (name: string) => scope.node.tryGetContext(name);
  const settings = readSettings(context);
  const mark = context(CHECKED);
  if (mark === checkedMark(settings)) return;
  if (mark !== undefined)
    throw new ConfigError(
      `CDK uses other settings than \`npm run deploy\` checked: ${describeSettings(settings)}. Some are in cdk.context.json or ~/.cdk.json: write them after \`-c\` or into cdk.json`,
    );
  Annotations.of(scope).addWarningV2(
    'bartizan:unchecked',
    `For the deployment \`${settings.name}\` this uses: the configuration ${file}, ${describeSettings(settings)}. \`npm run deploy\` keeps settings of the last deployment that are left out, checks the account first, and uploads the configuration; \`cdk deploy\` does none of it.`,
  );
}

import type { Stack } from 'aws-cdk-lib';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { dataSettingsParameter, settingsParameter } from '../adapters/aws/deployment.ts';
import type { DeploymentRecord } from './deployment-record.ts';
import { deploymentName } from './names.ts';

/**
 * Writes the record for the next deployment. It is in the stack of the pipeline, the only one that uses the exports of
 * the others, so the record is correct as long as that stack is deployed, also after a later deployment was rolled
 * back.
 */
export function storeSettings(stack: Stack, remembered: DeploymentRecord): void {
  write(stack, settingsParameter(deploymentName(stack)), remembered);
}

/**
 * Writes a copy in the stack of the data, which stays when somebody destroys the pipeline. It has the settings of an
 * attempt to deploy; while the pipeline exists, its own record counts. (A parameter that survives its stack would fail
 * the next deployment, because its name would be in use.)
 */
export function storeDataSettings(stack: Stack, remembered: DeploymentRecord): void {
  write(stack, dataSettingsParameter(deploymentName(stack)), remembered);
}

function write(stack: Stack, parameterName: string, remembered: DeploymentRecord): void {
  new StringParameter(stack, 'Settings', {
    description: 'Bartizan: settings of the deployment',
    parameterName,
    stringValue: stack.toJsonString(remembered),
    // Free up to 4 KB, which is enough for most
    // (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
    tier: ParameterTier.INTELLIGENT_TIERING,
  });
}

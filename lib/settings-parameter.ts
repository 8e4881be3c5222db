import type { Stack } from 'aws-cdk-lib';
import { ParameterTier, StringParameter } from 'aws-cdk-lib/aws-ssm';
import { dataSettingsParameter, settingsParameter } from '../adapters/aws/deployment.ts';
import type { DeploymentRecord } from './deployment-record.ts';
import { deploymentName } from './names.ts';

/**
 * Writes the record for the next deployment. It belongs to the stack of the pipeline, which alone uses the exports of the
 * others: so the record is right as long as that stack is as deployed, also after a later deployment was rolled back.
 */
export function storeSettings(stack: Stack, remembered: DeploymentRecord): void {
  write(stack, settingsParameter(deploymentName(stack)), remembered);
}

/**
 * Writes a copy in the stack of the data, which stays where somebody destroys the pipeline. It only says what was to be
 * deployed; while the pipeline exists, its own record counts. (A parameter that outlives its stack would fail the next
 * deployment, as its name would be taken.)
 */
export function storeDataSettings(stack: Stack, remembered: DeploymentRecord): void {
  write(stack, dataSettingsParameter(deploymentName(stack)), remembered);
}

function write(stack: Stack, parameterName: string, remembered: DeploymentRecord): void {
  new StringParameter(stack, 'Settings', {
    description: 'Bartizan: what it was deployed with',
    parameterName,
    stringValue: stack.toJsonString(remembered),
    // Costs nothing up to 4 KB, which is more than most need
    // (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
    tier: ParameterTier.INTELLIGENT_TIERING,
  });
}

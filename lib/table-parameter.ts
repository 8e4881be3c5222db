import type { Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { tableParameter } from '../adapters/aws/deployment.ts';
import { deploymentName } from './names.ts';

/**
 * For `bartizan silence` and other commands: CloudFormation makes up the name of the table, or it was restored under
 * another name.
 */
export function storeTableName(stack: Stack, table: ITable): void {
  new StringParameter(stack, 'TableParameter', {
    description: 'Bartizan: its table of state',
    parameterName: tableParameter(deploymentName(stack)),
    stringValue: table.tableName,
  });
}

import { ConfigError } from '../../core/errors.ts';
import type { AwsClient } from './client.ts';
import { tableParameter } from './deployment.ts';
import { awsError } from './errors.ts';

/** The table of state of the deployment with that name. @throws ConfigError also where there is none | RetryableError */
export async function findDeployedTable(name: string, aws: AwsClient = {}): Promise<string> {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  const ssm = new SSMClient(aws);
  const Name = tableParameter(name);
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
    if (Parameter?.Value) return Parameter.Value;
  } catch (cause) {
    if ((cause as Error).name !== 'ParameterNotFound') throw awsError(cause, `parameter ${Name}`);
  } finally {
    ssm.destroy();
  }
  throw new ConfigError(
    `nothing is deployed as \`${name}\` in ${await ssm.config.region()} of this account, or an older release deployed it and recorded no table: ` +
      `no parameter ${Name}; set AWS_REGION and AWS_PROFILE to where it is, deploy again, or write \`--table\``,
  );
}

// What checks before a deployment ask of AWS. Nothing is changed, and no value of a parameter is read but CDK's version.
import type { ParameterStringFilter } from '@aws-sdk/client-ssm';
import type { AwsClient } from '../adapters/aws/client.ts';
import { awsError } from '../adapters/aws/errors.ts';
import { checkTimestreamAccess } from '../adapters/stores/timestream/access.ts';
import type { Connection } from '../adapters/stores/timestream/api.ts';

/** All throw ConfigError | PermanentError | RetryableError, with the SDK's error as its cause. */
export interface Account {
  /** That clients work in. @throws ConfigError where none is set */
  region(): Promise<string>;
  /** Number of the account whose credentials these are. */
  identity(): Promise<string>;
  /** Of what `cdk bootstrap` made in the region; undefined where it did not. */
  bootstrapVersion(qualifier: string): Promise<number | undefined>;
  /** Those of the parameters that are not there. `/path/*` is there where anything is under it. */
  missingParameters(names: readonly string[]): Promise<string[]>;
  /** Resolves where the table can be described. */
  timestream(connection: Connection): Promise<unknown>;
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html */
const NAMES_A_FILTER = 50;

export async function createAccount(client: AwsClient = {}): Promise<Account> {
  const [{ SSMClient, GetParameterCommand, paginateDescribeParameters }, { STSClient, ...sts }] =
    await Promise.all([import('@aws-sdk/client-ssm'), import('@aws-sdk/client-sts')]);
  const ssm = new SSMClient(client);
  const login = new STSClient(client);

  /** Names of parameters, nothing else of them. */
  async function named(filter: ParameterStringFilter): Promise<string[]> {
    const names: string[] = [];
    for await (const { Parameters = [] } of paginateDescribeParameters(
      { client: ssm, pageSize: NAMES_A_FILTER },
      { ParameterFilters: [filter] },
    )) {
      for (const { Name } of Parameters) if (Name !== undefined) names.push(Name);
    }
    return names;
  }

  return {
    async region() {
      try {
        return await ssm.config.region();
      } catch (cause) {
        throw awsError(cause, 'region');
      }
    },
    async identity() {
      try {
        const { Account: account = '' } = await login.send(new sts.GetCallerIdentityCommand({}));
        return account;
      } catch (cause) {
        throw awsError(cause, 'credentials');
      }
    },
    async bootstrapVersion(qualifier) {
      const Name = `/cdk-bootstrap/${qualifier}/version`;
      try {
        const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
        return Number(Parameter?.Value);
      } catch (cause) {
        if ((cause as Error).name === 'ParameterNotFound') return undefined;
        throw awsError(cause, `parameter ${Name}`);
      }
    },
    async missingParameters(names) {
      const paths = names.filter((name) => name.endsWith('/*'));
      const single = names.filter((name) => !name.endsWith('/*'));
      const there = new Set<string>();
      try {
        for (let i = 0; i < single.length; i += NAMES_A_FILTER) {
          const Values = single.slice(i, i + NAMES_A_FILTER);
          for (const name of await named({ Key: 'Name', Option: 'Equals', Values })) there.add(name);
        }
        for (const path of paths) {
          const Values = [path.slice(0, -2)];
          if ((await named({ Key: 'Path', Option: 'Recursive', Values })).length > 0) there.add(path);
        }
      } catch (cause) {
        throw awsError(cause, 'parameters');
      }
      return names.filter((name) => !there.has(name));
    },
    timestream: checkTimestreamAccess,
  };
}

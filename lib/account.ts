// The requests of a deployment to AWS beside CDK: checks before it, and the upload of the configuration after it. They
// read no value of a parameter that has a secret.
import type { ParameterStringFilter } from '@aws-sdk/client-ssm';
import { openBucket } from '../adapters/aws/bucket.ts';
import type { AwsClient } from '../adapters/aws/client.ts';
import {
  dataSettingsParameter,
  deadLettersPath,
  ownNetworkParameter,
  settingsParameter,
} from '../adapters/aws/deployment.ts';
import { awsError } from '../adapters/aws/errors.ts';
import { outOfOrderWindowSeconds, type Workspace } from '../adapters/stores/prometheus/workspace.ts';
import { checkTimestreamAccess } from '../adapters/stores/timestream/access.ts';
import type { Connection } from '../adapters/stores/timestream/api.ts';
import type { ConcurrencyLimits } from './concurrency.ts';
import { type DeploymentRecord, parseDeploymentRecord } from './deployment-record.ts';
import { describeStateTable, type TableFacts } from './restored-table.ts';

/** All throw ConfigError | PermanentError | RetryableError, with the SDK's error as its cause. */
export interface Account {
  /** The region of the clients. @throws ConfigError when none is set */
  region(): Promise<string>;
  /** The number of the account to which these credentials belong. */
  identity(): Promise<string>;
  /** The version of the bootstrap stack in the region; undefined without one. */
  bootstrapVersion(qualifier: string): Promise<number | undefined>;
  /** The missing ones of these parameters. `/path/*` is missing when there is nothing under it. */
  missingParameters(names: readonly string[]): Promise<string[]>;
  /**
   * The record of the deployment with that name; undefined without a deployment, or when an older release wrote no
   * record.
   */
  remembered(name: string): Promise<DeploymentRecord | undefined>;
  /** The record in the stack of its data; undefined when that stack does not exist. */
  rememberedByData(name: string): Promise<DeploymentRecord | undefined>;
  /** The egress of the deployment's own network, which may exist unused; undefined when it is unknown. */
  ownNetwork(name: string): Promise<string | undefined>;
  /** The bastions that the deployment has queues for; undefined when nothing is deployed under that name. */
  deployedBastions(name: string): Promise<string[] | undefined>;
  /** Undefined when there is no such table. */
  stateTable(name: string): Promise<TableFacts | undefined>;
  upload(bucket: string, key: string, text: string): Promise<void>;
  /** How many functions may run at once. */
  concurrency(): Promise<ConcurrencyLimits>;
  /** Resolves when the table can be described. */
  timestream(connection: Connection): Promise<unknown>;
  /** How late samples may come for the workspace, in seconds; undefined at an emulator, which has no such limit. */
  workspaceWindow(workspace: Workspace): Promise<number | undefined>;
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html */
const NAMES_A_FILTER = 50;

export async function createAccount(client: AwsClient = {}): Promise<Account> {
  const [{ SSMClient, GetParameterCommand, paginateDescribeParameters }, { STSClient, ...sts }, lambda] =
    await Promise.all([
      import('@aws-sdk/client-ssm'),
      import('@aws-sdk/client-sts'),
      import('@aws-sdk/client-lambda'),
    ]);
  const ssm = new SSMClient(client);
  const login = new STSClient(client);
  const functions = new lambda.LambdaClient(client);

  async function parameter(Name: string): Promise<string | undefined> {
    try {
      return (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
    } catch (cause) {
      if ((cause as Error).name === 'ParameterNotFound') return undefined;
      throw awsError(cause, `parameter ${Name}`);
    }
  }

  async function rememberedAt(name: string): Promise<DeploymentRecord | undefined> {
    const text = await parameter(name);
    return text === undefined ? undefined : parseDeploymentRecord(text, `parameter ${name}`);
  }

  /** Reads the names of parameters, and nothing else of them. */
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
      const version = await parameter(`/cdk-bootstrap/${qualifier}/version`);
      return version === undefined ? undefined : Number(version);
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
    remembered: (name) => rememberedAt(settingsParameter(name)),
    ownNetwork: (name) => parameter(ownNetworkParameter(name)),
    rememberedByData: (name) => rememberedAt(dataSettingsParameter(name)),
    async deployedBastions(name) {
      const path = deadLettersPath(name);
      try {
        const names = await named({ Key: 'Path', Option: 'Recursive', Values: [path] });
        if (names.length === 0) return undefined;
        const probe = `${path}/probe/`;
        return names.flatMap((one) => (one.startsWith(probe) ? [one.slice(probe.length)] : []));
      } catch (cause) {
        throw awsError(cause, `parameters ${path}`);
      }
    },
    stateTable: (table) => describeStateTable(table, client),
    async upload(name, key, text) {
      const bucket = await openBucket({ bucket: name, client });
      try {
        await bucket.put(key, Buffer.from(text), { contentType: 'application/yaml' });
      } finally {
        bucket.close();
      }
    },
    async concurrency() {
      try {
        const { AccountLimit } = await functions.send(new lambda.GetAccountSettingsCommand({}));
        const { ConcurrentExecutions: all = 0, UnreservedConcurrentExecutions: unreserved = all } =
          AccountLimit ?? {};
        return { all, unreserved };
      } catch (cause) {
        throw awsError(cause, 'settings of Lambda');
      }
    },
    timestream: checkTimestreamAccess,
    workspaceWindow: async (workspace) =>
      client.endpoint === undefined ? outOfOrderWindowSeconds(workspace, client) : undefined,
  };
}

import { CfnOutput, Duration, Fn, Stack } from 'aws-cdk-lib';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { parameterNames } from '../core/deployment/parameter-names.ts';
import type { Config } from '../core/model/config.ts';
import { type Data, DELIVERY_KEY, HEALTH_KEY } from './data.ts';
import { stackName } from './names.ts';
import type { Network } from './network.ts';
import {
  allowConfig,
  allowFiles,
  allowKeptInventory,
  allowParameters,
  allowPartitions,
  allowQueries,
  allowSamples,
} from './permissions.ts';
import type { Settings } from './settings.ts';
import { createStage, type Stage, type StageName, type StageNetwork, type StageProps } from './stage.ts';
import { historyTimeoutSeconds } from './timing.ts';

export interface History {
  stack: Stack;
  stages: readonly Stage[];
  /** The public address, without a slash at its end. */
  publicUrl: string;
}

export interface HistoryProps {
  config: Config;
  settings: Settings;
  data: Data;
  network: Network;
  topic: ITopic;
  environment: Record<string, string>;
}

interface HistoryContext extends Omit<HistoryProps, 'network'> {
  stack: Stack;
  network: StageNetwork | undefined;
}

/** Pictures and health: AWS bills the memory while objects are read. */
const OBJECTS_MB = 512;
/**
 * A query is the work of one core, which this memory gives
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), and somebody waits for it.
 */
const QUERIES_MB = 1_769;

/**
 * Serves pictures and health to everybody who knows the address, and queries to whoever has a token or a login. A second
 * function answers the same queries to whom IAM lets call it: AWS checks the signature before our code runs.
 */
export function createHistory(app: Construct, { network, ...props }: HistoryProps): History {
  const stack = new Stack(app, stackName(app, 'History'), {
    description: 'Bartizan: pictures, health and queries',
  });
  const { config, settings } = props;
  const { enabled } = config.server.history;
  const context = {
    ...props,
    stack,
    network: enabled && settings.storeInVpc ? network.join(stack) : undefined,
  };
  const stage = addHistory(context, 'history', {
    description: 'Serves pictures under their unguessable names, health, and queries to tokens.',
    reserved: settings.publicConcurrency,
  });
  const publicUrl = addAddress(stage, FunctionUrlAuthType.NONE);
  new CfnOutput(stack, 'PublicUrl', {
    description: 'Address of pictures and health, and of queries with a token',
    value: publicUrl,
  });
  if (!enabled) return { stack, stages: [stage], publicUrl };
  allowHistory(stage, context);
  // Who asks, and when a token was used last.
  allowPartitions(stage.fn, context.data, ['tokens', 'part#tokens#*']);
  allowSecrets(stage, context, parameterNames(config).oidc);
  return { stack, stages: [stage, addIamHistory(context)], publicUrl };
}

/** It needs neither tokens nor logins. */
function addIamHistory(context: HistoryContext): Stage {
  const stage = addHistory(context, 'history-iam', {
    description: 'Answers queries to callers whom IAM allows.',
    code: 'history',
  });
  stage.fn.addEnvironment('HISTORY_ACCESS', 'iam');
  allowHistory(stage, context);
  allowSecrets(stage, context, []);
  new CfnOutput(context.stack, 'IamUrl', {
    description: 'Address of queries that are signed with credentials of AWS',
    value: addAddress(stage, FunctionUrlAuthType.AWS_IAM),
  });
  new CfnOutput(context.stack, 'IamFunction', {
    description: 'What a policy of IAM names to let somebody ask there',
    value: stage.fn.functionArn,
  });
  return stage;
}

function addHistory(
  { stack, config, settings, data, topic, environment, network }: HistoryContext,
  name: Extract<StageName, `history${string}`>,
  form: Pick<StageProps, 'description' | 'code' | 'reserved'>,
): Stage {
  const { enabled } = config.server.history;
  const stage = createStage(stack, {
    name,
    timeout: Duration.seconds(historyTimeoutSeconds(config)),
    memoryMb: enabled ? QUERIES_MB : OBJECTS_MB,
    ...{ environment, machine: settings, topic, network },
    ...form,
  });
  allowConfig(stage.fn, data, enabled ? ['public', 'settings', 'nodes'] : ['public']);
  allowFiles(stage.fn, data, 'charts/*', 'read');
  allowFiles(stage.fn, data, HEALTH_KEY, 'read');
  allowFiles(stage.fn, data, DELIVERY_KEY, 'read');
  return stage;
}

/** What queries read, silences, and the audit of who changed them. */
function allowHistory({ fn }: Stage, { config, data }: HistoryContext): void {
  allowQueries(fn, data);
  allowPartitions(fn, data, ['silences', 'part#silences#*', 'audit']);
  allowFiles(fn, data, 'audit/*', 'write');
  allowSamples(fn, config, 'read');
  allowKeptInventory(fn, data, config);
}

function allowSecrets({ fn }: Stage, { config }: HistoryContext, more: readonly string[]): void {
  const names = parameterNames(config);
  allowParameters(fn, [...names.store, ...more], { others: Object.values(names).flat() });
}

/** Without a slash at its end. */
function addAddress({ fn }: Stage, authType: FunctionUrlAuthType): string {
  const { url } = fn.addFunctionUrl({ authType });
  return Fn.join('', ['https://', Fn.select(2, Fn.split('/', url))]);
}

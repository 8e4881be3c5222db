import { ArnFormat, AssetHashType, DockerImage, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { alarmOnFunction } from './alarms.ts';
import { bundleFunction, ROOT } from './bundle.ts';
import { NAMESPACE } from './names.ts';
import type { Machine } from './native-modules.ts';
import { createStageQueue, type StageQueueProps } from './stage-queue.ts';

export type StageName =
  | 'plan'
  | 'probe'
  | 'store'
  | 'evaluate'
  | 'notify'
  | 'deliver'
  | 'history'
  | 'history-iam';

export interface StageNetwork {
  vpc: IVpc;
  vpcSubnets: SubnetSelection;
  securityGroups: ISecurityGroup[];
}

export interface StageProps {
  name: StageName;
  /** Its entry is functions/CODE.ts; without it, that of its name. */
  code?: StageName;
  description: string;
  timeout: Duration;
  memoryMb: number;
  environment: Record<string, string>;
  machine: Machine;
  topic: ITopic;
  /** The period of its alarms, if five minutes may pass without a call. */
  alarmPeriod?: Duration;
  /** Reserved concurrency of the function, which is also its limit. */
  reserved?: number | undefined;
  /** Without a network the function runs outside of ours. */
  network?: StageNetwork | undefined;
}

export interface Stage {
  name: StageName;
  fn: LambdaFunction;
  /**
   * A queue of the stage; the function reads up to `batchSize` messages at a time, and may report some of them as
   * failed.
   */
  addQueue(id: string, options: StageQueueOptions): Queue;
  /** Allows the function to send to a queue, whose address is in that environment variable. */
  sendsTo(variable: string, queue: Queue): void;
}

export interface StageQueueOptions
  extends Pick<
    StageQueueProps,
    'maxReceiveCount' | 'times' | 'fifo' | 'ageSection' | 'failsWhole' | 'dropsOld'
  > {
  /** The bastion whose nodes are in the messages, if the stage has a queue for each. */
  bastion?: string;
  batchSize: number;
  /** Maximum concurrency, 2 at least. */
  maxConcurrency?: number;
}

/** A function with its role, its log and its alarms; queues are added to it. */
export function createStage(scope: Construct, props: StageProps): Stage {
  const { name, machine, topic, network } = props;
  const here = new Construct(scope, constructName(name));
  const logGroup = new LogGroup(here, 'Log', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const fn = new LambdaFunction(here, 'Function', {
    description: `${props.description} When it fails: docs/runbook.md#function-errors`,
    runtime: Runtime.NODEJS_24_X,
    architecture: machine.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
    handler: 'index.handler',
    code: codeOf(props.code ?? name, machine),
    timeout: props.timeout,
    memorySize: props.memoryMb,
    ...(props.reserved !== undefined && { reservedConcurrentExecutions: props.reserved }),
    role: createRole(here, logGroup, network !== undefined),
    logGroup,
    environment: {
      POWERTOOLS_SERVICE_NAME: name,
      POWERTOOLS_METRICS_NAMESPACE: NAMESPACE,
      LOG_LEVEL: 'INFO',
      ...props.environment,
    },
    ...network,
  });
  alarmOnFunction(here, topic, { name, fn, period: props.alarmPeriod ?? Duration.minutes(5) });
  return {
    name,
    fn,
    addQueue(id, { batchSize, maxConcurrency, bastion, ...options }) {
      const { queue, deadLetters } = createStageQueue(here, id, {
        stage: name,
        ...(bastion !== undefined && { bastion }),
        ...options,
        timeout: props.timeout,
        topic,
      });
      allowSending(fn, [deadLetters]);
      fn.addEventSource(
        new SqsEventSource(queue, {
          batchSize,
          reportBatchItemFailures: true,
          ...(maxConcurrency !== undefined && { maxConcurrency }),
        }),
      );
      return queue;
    },
    sendsTo(variable, queue) {
      fn.addEnvironment(variable, queue.queueUrl);
      allowSending(fn, [queue]);
    },
  };
}

function constructName(name: StageName): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** IAM on AWS knows only the first action; an emulator that enforces permissions asks for the second. */
export function allowSending(fn: LambdaFunction, queues: readonly Queue[]): void {
  fn.addToRolePolicy(
    new PolicyStatement({
      actions: ['sqs:SendMessage', 'sqs:SendMessageBatch'],
      resources: queues.map((queue) => queue.queueArn),
    }),
  );
}

function codeOf(name: StageName, machine: Machine): Code {
  return Code.fromAsset(ROOT, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Docker never pulls it: esbuild bundles in this process, or nothing does.
      image: DockerImage.fromRegistry('scratch'),
      // CDK bundles assets with equal options only once; this makes them different.
      command: [name],
      local: {
        tryBundle(outDir) {
          bundleFunction({ entry: `functions/${name}.ts`, outDir, machine });
          return true;
        },
      },
    },
  });
}

/** A role that may write its own log, and create network interfaces if the function runs in a network. */
function createRole(scope: Construct, logGroup: LogGroup, inNetwork: boolean): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
  if (!inNetwork) return role;
  // Lambda creates its interfaces with our role, before it knows their names
  // (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
  const actions = [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ];
  role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
  // The code of the function may not: only its calls have this ARN
  // (https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html).
  const anyFunction = Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  role.addToPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions,
      resources: ['*'],
      conditions: { ArnLike: { 'lambda:SourceFunctionArn': anyFunction } },
    }),
  );
  return role;
}

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

export type StageName = 'plan' | 'probe' | 'store' | 'evaluate' | 'notify' | 'deliver' | 'history';

export interface StageNetwork {
  vpc: IVpc;
  vpcSubnets: SubnetSelection;
  securityGroups: ISecurityGroup[];
}

export interface StageProps {
  /** The name of the function; its entry is functions/NAME.ts. */
  name: StageName;
  description: string;
  timeout: Duration;
  memoryMb: number;
  environment: Record<string, string>;
  machine: Machine;
  topic: ITopic;
  /** The period of its alarms, where five minutes may pass without a call. */
  alarmPeriod?: Duration;
  /** Reserved concurrency of the function, which is also its limit. */
  reserved?: number | undefined;
  /** Without it the function runs outside of any network of ours. */
  network?: StageNetwork | undefined;
}

export interface Stage {
  name: StageName;
  fn: LambdaFunction;
  /** A queue of the stage; the function reads it, `batchSize` messages at a time, and may fail some of them. */
  addQueue(id: string, options: StageQueueOptions): Queue;
  /** Lets the function send to a queue, whose address it finds in that variable. */
  sendsTo(variable: string, queue: Queue): void;
}

export interface StageQueueOptions
  extends Pick<
    StageQueueProps,
    'maxReceiveCount' | 'times' | 'fifo' | 'ageSection' | 'failsWhole' | 'dropsOld'
  > {
  /** Whose nodes are in its messages, where a stage has a queue for each. */
  bastion?: string;
  batchSize: number;
  /** Maximum concurrency, 2 at least. */
  maxConcurrency?: number;
}

/** A function with its role, its log and its alarms; queues are added to it. */
export function createStage(scope: Construct, props: StageProps): Stage {
  const { name, machine, topic, network } = props;
  const here = new Construct(scope, `${name.charAt(0).toUpperCase()}${name.slice(1)}`);
  const logGroup = new LogGroup(here, 'Log', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const fn = new LambdaFunction(here, 'Function', {
    description: `${props.description} When it fails: docs/runbook.md#function-errors`,
    runtime: Runtime.NODEJS_24_X,
    architecture: machine.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
    handler: 'index.handler',
    code: codeOf(name, machine),
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

/** Real IAM knows the first action alone; an emulator that enforces permissions asks for the second. */
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
      // Never pulled: esbuild bundles in this process, or nothing does.
      image: DockerImage.fromRegistry('scratch'),
      // Assets of equal options are bundled once: only this distinguishes them.
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

/** A role that may write its own log, and have an address in the network where it runs in one. */
function createRole(scope: Construct, logGroup: LogGroup, inNetwork: boolean): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
  if (!inNetwork) return role;
  // Lambda makes its interfaces with our role, before it knows their names
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
  // What runs in the function may not: its calls alone name it
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

import { Duration, Stack } from 'aws-cdk-lib';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { WAKE_FILTER } from '../adapters/state/dynamodb/layout.ts';
import { tickMinutes } from '../core/deployment/deploy-times.ts';
import { describeDeployed } from '../core/deployment/deployed.ts';
import { type ParameterNames, parameterNames } from '../core/deployment/parameter-names.ts';
import type { Config } from '../core/model/config.ts';
import {
  DELIVER_CONCURRENCY,
  evaluateConcurrency,
  NOTIFY_CONCURRENCY,
  STORE_CONCURRENCY,
} from './concurrency.ts';
import { addCountAlarms, addHealthAlarms } from './count-alarms.ts';
import { createDashboard } from './dashboard.ts';
import { type Data, DELIVERY_KEY, DUE_KEY, EVALUATED, HEALTH_KEY, PLANNED_KEY } from './data.ts';
import type { DeploymentRecord } from './deployment-record.ts';
import { stackName } from './names.ts';
import type { Network } from './network.ts';
import {
  allowActivation,
  allowConfig,
  allowFiles,
  allowInventory,
  allowOpenIncidents,
  allowParameters,
  allowPartitions,
  allowSamples,
  allowState,
  type ConfigPart,
} from './permissions.ts';
import { foldNames } from './policy-size.ts';
import { scheduleRounds } from './schedule.ts';
import type { Settings } from './settings.ts';
import { storeSettings } from './settings-parameter.ts';
import {
  allowSending,
  createStage,
  type Stage,
  type StageName,
  type StageNetwork,
  type StageProps,
} from './stage.ts';
import { alarmPeriodMinutes, queueTimesSeconds, timeoutsSeconds } from './timing.ts';

export interface PipelineProps {
  config: Config;
  settings: Settings;
  data: Data;
  network: Network;
  /** Recorded for the next deployment. */
  remembered: Omit<DeploymentRecord, 'bucket'>;
  topic: ITopic;
  /** Shown on the dashboard with the others. */
  history: readonly Stage[];
  environment: Record<string, string>;
}

interface PipelineContext extends Omit<PipelineProps, 'network' | 'remembered'> {
  network: StageNetwork | undefined;
  stack: Stack;
  tick: Duration;
  names: ParameterNames;
}

export interface Pipeline {
  stack: Stack;
  stages: readonly Stage[];
}

/** The five stages, each a function behind a queue, and the schedule that starts them. */
export function createPipeline(app: Construct, props: PipelineProps): Pipeline {
  const stack = new Stack(app, stackName(app, 'Pipeline'), {
    description: 'Bartizan: plan, probe, store, evaluate, notify, deliver',
  });
  const tick = Duration.minutes(tickMinutes(props.config.checks) ?? 1);
  const { network, remembered, ...rest } = props;
  const names = parameterNames(props.config);
  const context: PipelineContext = { ...rest, network: network.join(stack), stack, tick, names };
  const store = addStore(context);
  const evaluate = addEvaluate(context);
  const notify = addNotify(context);
  const deliver = addDeliver(context);
  notify.stage.sendsTo('BARTIZAN_DELIVER_QUEUE', deliver.queue);
  const probe = addProbe(context, store.queue);
  const plan = addPlan(context, { probes: probe.queues, evaluate: evaluate.queue, notify: notify.queue });
  addCountAlarms(stack, props.topic, tick);
  addHealthAlarms(stack, props.topic, tick);
  const stages = [plan, probe.stage, store.stage, evaluate.stage, notify.stage, deliver.stage];
  createDashboard(stack, {
    stages: [...stages, ...props.history],
    queues: new Map([
      ...[...probe.queues].map(([bastion, queue]): [string, Queue] => [`probe ${bastion}`, queue]),
      ['store', store.queue],
      ['evaluate', evaluate.queue],
      ['notify', notify.queue],
      ['deliver', deliver.queue],
    ]),
  });
  storeSettings(stack, { ...remembered, bucket: props.data.bucket.bucketName });
  return { stack, stages };
}

/** The sections of the configuration that each function reads. The batches contain the nodes to probe. */
const READS: Readonly<Record<Exclude<StageName, 'plan' | `history${string}`>, readonly ConfigPart[]>> = {
  probe: ['settings', 'logins'],
  store: ['settings'],
  evaluate: ['settings', 'nodes'],
  notify: ['settings'],
  deliver: ['settings', 'public'],
};

type Form = Pick<StageProps, 'description' | 'memoryMb' | 'network'>;

function addStage(
  { stack, config, settings, topic, data, environment, tick }: PipelineContext,
  name: Exclude<StageName, `history${string}`>,
  form: Form,
): Stage {
  const timeout = Duration.seconds(timeoutsSeconds(config)[name]);
  const times = { timeout, alarmPeriod: Duration.minutes(alarmPeriodMinutes(name, tick.toMinutes())) };
  const stage = createStage(stack, { name, ...times, machine: settings, topic, environment, ...form });
  if (name === 'plan') allowActivation(stage.fn, data);
  else allowConfig(stage.fn, data, READS[name]);
  return stage;
}

/**
 * Reading a file of thirty thousand nodes takes up to 4 s of a core and 400 MB (test/cloud/reading.ts). This memory gives
 * one core (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html), which other rounds need for 100 ms.
 */
const PLAN_MB = 1_769;

/**
 * AWS bills this memory while probe waits for its nodes, which is most of the time: 0.4 of a core does the work of 300
 * nodes while they answer. A process with 300 sessions has 335 MB after eight batches (test/cloud/batch-time.ts).
 */
const PROBE_MB = 768;

function addPlan(
  context: PipelineContext,
  queues: { probes: ReadonlyMap<string, Queue>; evaluate: Queue; notify: Queue },
): Stage {
  const description =
    'Begins a round: sends batches to the probe queues, then evaluations and a sweep for due messages.';
  const plan = addStage(context, 'plan', { description, memoryMb: PLAN_MB });
  const names = [...queues.probes].map(([bastion, queue]) => [bastion, queue.queueName]);
  plan.fn.addEnvironment('BARTIZAN_PROBE_QUEUES', context.stack.toJsonString(Object.fromEntries(names)));
  const { config, settings } = context;
  const { names: logins } = foldNames([...context.names.logins, ...settings.loginParameters]);
  plan.fn.addEnvironment('BARTIZAN_DEPLOYED', JSON.stringify(describeDeployed(config, logins)));
  allowSending(plan.fn, [...queues.probes.values()]);
  plan.sendsTo('BARTIZAN_EVALUATE_QUEUE', queues.evaluate);
  plan.sendsTo('BARTIZAN_NOTIFY_QUEUE', queues.notify);
  // The due batches of rounds, and the last complete round.
  allowFiles(plan.fn, context.data, DUE_KEY, 'read and write');
  allowFiles(plan.fn, context.data, HEALTH_KEY, 'read');
  allowFiles(plan.fn, context.data, PLANNED_KEY, 'read and write');
  allowInventory(plan.fn, context.data, context.config);
  scheduleRounds(plan, { stack: context.stack, topic: context.topic, tick: context.tick });
  return plan;
}

/** A queue for each bastion: the number of functions that read it is the number of connections to the bastion. */
function addProbe(context: PipelineContext, storeQueue: Queue): { stage: Stage; queues: Map<string, Queue> } {
  const { config, settings, data, network, names, tick } = context;
  const stage = addStage(context, 'probe', {
    description: 'Probes the nodes of a batch over one connection to their bastion.',
    memoryMb: PROBE_MB,
    network,
  });
  const queues = new Map<string, Queue>();
  for (const { name, maxConnections } of config.bastions) {
    const queue = stage.addQueue(`To-${name}`, {
      bastion: name,
      batchSize: 1,
      maxConcurrency: maxConnections,
      // The minimum that AWS advises, because a throttled receive counts too. A batch is dropped when its next round is
      // due (https://docs.aws.amazon.com/lambda/latest/dg/sqs-retries.html).
      maxReceiveCount: 5,
      times: queueTimesSeconds(tick.toSeconds()).probe,
      dropsOld: true,
    });
    queues.set(name, queue);
  }
  stage.sendsTo('BARTIZAN_STORE_QUEUE', storeQueue);
  allowFiles(stage.fn, data, 'counters/*', 'read and write');
  allowFiles(stage.fn, data, 'audit/*', 'write');
  // The heads of the audit chains.
  allowPartitions(stage.fn, data, ['audit']);
  allowInventory(stage.fn, data, config);
  allowParameters(stage.fn, [...names.logins, ...settings.loginParameters], {
    others: Object.values(names).flat(),
  });
  return { stage, queues };
}

function addStore(context: PipelineContext): { stage: Stage; queue: Queue } {
  const { config, settings, data, network, names, tick } = context;
  const stage = addStage(context, 'store', {
    description: 'Writes observations as samples, and the last status of each node.',
    memoryMb: 512,
    network: settings.storeInVpc ? network : undefined,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 10,
    maxConcurrency: STORE_CONCURRENCY,
    // The maximum of SQS: the store may fail for 16 hours before somebody must send its messages back.
    maxReceiveCount: 1000,
    times: queueTimesSeconds(tick.toSeconds()).store,
  });
  // The statuses of targets, and samples that are too late for the store.
  allowPartitions(stage.fn, data, ['status#*', 'part#status#*', 'late#*', 'part#late#*']);
  allowSamples(stage.fn, config, 'write');
  allowParameters(stage.fn, names.store, { others: Object.values(names).flat() });
  return { stage, queue };
}

function addEvaluate(context: PipelineContext): { stage: Stage; queue: Queue } {
  const { config, settings, data, network, names, tick } = context;
  const stage = addStage(context, 'evaluate', {
    description: 'Evaluates the rules on a shard of the fleet, and writes alerts and the outbox.',
    memoryMb: 1024,
    network: settings.storeInVpc ? network : undefined,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 1,
    maxConcurrency: evaluateConcurrency(settings),
    maxReceiveCount: 200,
    times: queueTimesSeconds(tick.toSeconds()).evaluate,
    ageSection: 'evaluation-lag',
  });
  allowState(stage.fn, data);
  // It writes how many nodes are watched.
  allowSamples(stage.fn, config, 'read and write');
  allowParameters(stage.fn, [...names.store, ...names.heartbeat], { others: Object.values(names).flat() });
  allowInventory(stage.fn, data, config);
  allowFiles(stage.fn, data, HEALTH_KEY, 'read and write');
  allowFiles(stage.fn, data, DUE_KEY, 'read');
  // Whether alerts are delivered, before it calls the heartbeat.
  allowFiles(stage.fn, data, DELIVERY_KEY, 'read');
  allowFiles(stage.fn, data, `${EVALUATED}*`, 'read and write');
  return { stage, queue };
}

function addNotify(context: PipelineContext): { stage: Stage; queue: Queue } {
  const { data, tick } = context;
  const stage = addStage(context, 'notify', {
    description: 'Turns the outbox into incidents, and sends due ones to deliver.',
    memoryMb: 512,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 10,
    maxConcurrency: NOTIFY_CONCURRENCY,
    maxReceiveCount: 200,
    times: queueTimesSeconds(tick.toSeconds()).notify,
    // Messages of ticks stay in the queue on purpose. The alarm notify-failing reports a function that fails as a whole.
    failsWhole: true,
  });
  stage.fn.addEventSource(
    new DynamoEventSource(data.table, {
      startingPosition: StartingPosition.LATEST,
      batchSize: 10,
      reportBatchItemFailures: true,
      // The stream only wakes the function: after a lost wake-up the next tick sends.
      retryAttempts: 2,
      maxRecordAge: Duration.minutes(5),
      filters: [{ pattern: JSON.stringify(WAKE_FILTER) }],
    }),
  );
  allowState(stage.fn, data);
  allowFiles(stage.fn, data, DELIVERY_KEY, 'read and write');
  allowOpenIncidents(stage.fn, data);
  return { stage, queue };
}

function addDeliver(context: PipelineContext): { stage: Stage; queue: Queue } {
  const { config, settings, data, network, names, tick } = context;
  const stage = addStage(context, 'deliver', {
    description: 'Draws the chart of an incident and sends its message.',
    memoryMb: 1024,
    network: settings.storeInVpc ? network : undefined,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 1,
    maxConcurrency: DELIVER_CONCURRENCY,
    fifo: true,
    maxReceiveCount: 200,
    times: queueTimesSeconds(tick.toSeconds()).deliver,
  });
  allowState(stage.fn, data);
  allowFiles(stage.fn, data, 'charts/*', 'write');
  allowSamples(stage.fn, config, 'read');
  allowParameters(stage.fn, [...names.channels, ...names.store], { others: Object.values(names).flat() });
  return { stage, queue };
}

import { Duration, Stack } from 'aws-cdk-lib';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { WAKE_FILTER } from '../adapters/state/dynamodb/layout.ts';
import type { Config } from '../core/config/types.ts';
import { addCountAlarms, addHealthAlarms, latestEvaluation } from './count-alarms.ts';
import { createDashboard } from './dashboard.ts';
import { ACTIVE_KEY, type Data, DELIVERY_KEY, HEALTH_KEY, JUDGED } from './data.ts';
import type { Network } from './network.ts';
import {
  allowConfig,
  allowFiles,
  allowInventory,
  allowOpenIncidents,
  allowParameters,
  allowPartitions,
  allowSamples,
  allowState,
} from './permissions.ts';
import { type ParameterNames, parameterNames } from './references.ts';
import { scheduleRounds } from './schedule.ts';
import type { Settings } from './settings.ts';
import { allowSending, createStage, type Stage, type StageName, type StageProps } from './stage.ts';
import { probeTimeoutSeconds, tickMinutes } from './timing.ts';

export interface PipelineProps {
  config: Config;
  settings: Settings;
  data: Data;
  network: Network;
  topic: ITopic;
  /** Shown on the dashboard beside the others. */
  history: Stage;
  /** Of every function. */
  environment: Record<string, string>;
}

interface World extends PipelineProps {
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
  const stack = new Stack(app, 'BartizanPipeline', {
    description: 'Bartizan: plan, probe, store, evaluate, notify, deliver',
  });
  const tick = Duration.minutes(tickMinutes(props.config.checks) ?? 1);
  const world: World = { ...props, stack, tick, names: parameterNames(props.config) };
  const store = addStore(world);
  const evaluate = addEvaluate(world);
  const notify = addNotify(world);
  const deliver = addDeliver(world);
  notify.stage.sendsTo('BARTIZAN_NOTIFY_QUEUE', notify.queue);
  notify.stage.sendsTo('BARTIZAN_DELIVER_QUEUE', deliver.queue);
  deliver.stage.sendsTo('BARTIZAN_NOTIFY_QUEUE', notify.queue);
  const probe = addProbe(world, store.queue);
  const plan = addPlan(world, { probes: probe.queues, evaluate: evaluate.queue, notify: notify.queue });
  addCountAlarms(stack, props.topic, tick);
  addHealthAlarms(stack, props.topic, props.config);
  const stages = [plan, probe.stage, store.stage, evaluate.stage, notify.stage, deliver.stage];
  createDashboard(stack, {
    stages: [...stages, props.history],
    queues: new Map([
      ...[...probe.queues].map(([bastion, queue]): [string, Queue] => [`probe ${bastion}`, queue]),
      ['store', store.queue],
      ['evaluate', evaluate.queue],
      ['notify', notify.queue],
      ['deliver', deliver.queue],
    ]),
  });
  return { stack, stages };
}

type Form = Pick<StageProps, 'description' | 'memoryMb' | 'network'> & { seconds: number };

function addStage({ stack, settings, topic, data, environment }: World, name: StageName, form: Form): Stage {
  const { seconds, ...rest } = form;
  const { architecture } = settings;
  const timeout = Duration.seconds(seconds);
  const stage = createStage(stack, { name, timeout, architecture, topic, environment, ...rest });
  allowConfig(stage.fn, data);
  return stage;
}

function addPlan(
  world: World,
  queues: { probes: ReadonlyMap<string, Queue>; evaluate: Queue; notify: Queue },
): Stage {
  const description =
    'Begins a round: batches for the probe queues, then evaluations and a sweep of what is due.';
  const plan = addStage(world, 'plan', { description, seconds: 60, memoryMb: 512 });
  const names = [...queues.probes].map(([bastion, queue]) => [bastion, queue.queueName]);
  plan.fn.addEnvironment('BARTIZAN_PROBE_QUEUES', world.stack.toJsonString(Object.fromEntries(names)));
  allowSending(plan.fn, [...queues.probes.values()]);
  plan.sendsTo('BARTIZAN_EVALUATE_QUEUE', queues.evaluate);
  plan.sendsTo('BARTIZAN_NOTIFY_QUEUE', queues.notify);
  allowFiles(plan.fn, world.data, ACTIVE_KEY, 'write');
  allowInventory(plan.fn, world.data, world.config);
  scheduleRounds(plan, { stack: world.stack, topic: world.topic, tick: world.tick });
  return plan;
}

/** A queue for each bastion: how many functions read it is how many connections the bastion sees. */
function addProbe(world: World, storeQueue: Queue): { stage: Stage; queues: Map<string, Queue> } {
  const { config, settings, data, network, names, tick } = world;
  const stage = addStage(world, 'probe', {
    description: 'Looks at the nodes of a batch over one connection to their bastion.',
    seconds: probeTimeoutSeconds(config.bastions),
    memoryMb: 1024,
    network: network.stageNetwork,
  });
  const queues = new Map<string, Queue>();
  for (const { name, maxConnections } of config.bastions) {
    const queue = stage.addQueue(`To-${name}`, {
      bastion: name,
      batchSize: 1,
      maxConcurrency: maxConnections,
      maxReceiveCount: 2,
      retention: Duration.hours(1),
      oldest: Duration.seconds(tick.toSeconds() * 2),
    });
    queues.set(name, queue);
  }
  stage.sendsTo('BARTIZAN_STORE_QUEUE', storeQueue);
  allowFiles(stage.fn, data, 'counters/*', 'read and write');
  allowFiles(stage.fn, data, 'audit/*', 'write');
  // The heads of the audit chains.
  allowPartitions(stage.fn, data, ['audit']);
  allowInventory(stage.fn, data, config);
  allowParameters(stage.fn, [...names.logins, ...settings.loginParameters]);
  return { stage, queues };
}

function addStore(world: World): { stage: Stage; queue: Queue } {
  const { config, settings, data, network, names } = world;
  const stage = addStage(world, 'store', {
    description: 'Writes what was seen as samples, and how each node was last reached.',
    seconds: 60,
    memoryMb: 512,
    network: settings.storeInVpc ? network.stageNetwork : undefined,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 10,
    // The most there is: a store may be away for 16 hours before its messages have to be sent back by hand.
    maxReceiveCount: 1000,
    retention: Duration.days(14),
    oldest: Duration.minutes(15),
  });
  allowPartitions(stage.fn, data, ['status#*', 'part#status#*']);
  allowSamples(stage.fn, config, 'write');
  allowParameters(stage.fn, names.store);
  return { stage, queue };
}

function addEvaluate(world: World): { stage: Stage; queue: Queue } {
  const { config, settings, data, network, names, tick } = world;
  const stage = addStage(world, 'evaluate', {
    description: 'Judges a part of the fleet: samples in, alerts and what is to be told out.',
    seconds: 120,
    memoryMb: 1024,
    network: settings.storeInVpc ? network.stageNetwork : undefined,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 1,
    // The next round judges the same samples again: an evaluation is not worth keeping for long.
    maxReceiveCount: 200,
    retention: Duration.minutes(15),
    oldest: latestEvaluation(tick),
    ageSection: 'evaluation-lag',
  });
  allowState(stage.fn, data);
  allowSamples(stage.fn, config, 'read');
  allowParameters(stage.fn, [...names.store, ...names.heartbeat]);
  allowInventory(stage.fn, data, config);
  allowFiles(stage.fn, data, HEALTH_KEY, 'read and write');
  // Whether alerts can leave, before it calls the heartbeat.
  allowFiles(stage.fn, data, DELIVERY_KEY, 'read');
  allowFiles(stage.fn, data, `${JUDGED}*`, 'read and write');
  return { stage, queue };
}

function addNotify(world: World): { stage: Stage; queue: Queue } {
  const { data } = world;
  const stage = addStage(world, 'notify', {
    description: 'Makes incidents of what is in the outbox, and hands on those that are due.',
    seconds: 60,
    memoryMb: 512,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 10,
    maxReceiveCount: 200,
    retention: Duration.hours(4),
    // A wake-up may be put off by 15 minutes, and counts as waiting meanwhile.
    oldest: Duration.minutes(20),
  });
  stage.fn.addEventSource(
    new DynamoEventSource(data.table, {
      startingPosition: StartingPosition.LATEST,
      batchSize: 10,
      reportBatchItemFailures: true,
      // The stream only wakes: what it fails to say, the sweep of the next tick finds.
      retryAttempts: 2,
      maxRecordAge: Duration.minutes(5),
      filters: [{ pattern: JSON.stringify(WAKE_FILTER) }],
    }),
  );
  allowState(stage.fn, data);
  allowFiles(stage.fn, data, DELIVERY_KEY, 'write');
  allowOpenIncidents(stage.fn, data);
  return { stage, queue };
}

function addDeliver(world: World): { stage: Stage; queue: Queue } {
  const { config, settings, data, network, names, tick } = world;
  const stage = addStage(world, 'deliver', {
    description: 'Draws the chart of an incident and sends its message.',
    seconds: 60,
    memoryMb: 1024,
    network: settings.storeInVpc ? network.stageNetwork : undefined,
  });
  const queue = stage.addQueue('Queue', {
    batchSize: 1,
    fifo: true,
    maxReceiveCount: 200,
    retention: Duration.days(1),
    oldest: Duration.seconds(Math.max(600, tick.toSeconds())),
  });
  allowState(stage.fn, data);
  allowFiles(stage.fn, data, 'charts/*', 'write');
  allowSamples(stage.fn, config, 'read');
  allowParameters(stage.fn, [...names.channels, ...names.store]);
  return { stage, queue };
}

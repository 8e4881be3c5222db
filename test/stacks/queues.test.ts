import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_NAME, deadLettersPath } from '../../adapters/aws/deployment.ts';
import type { Config } from '../../core/model/config.ts';
import { policyLines, valueText } from './policy-text.ts';
import { type Resource, resources, synthExample, type Templates } from './synth.ts';

const templates = synthExample();
const DAY_SECONDS = 86_400;

const idOf = (value: { Ref?: string; 'Fn::GetAtt'?: string[] }) => value.Ref ?? value['Fn::GetAtt']?.[0];

/** The queues that functions read, each with its function and its event source mapping. */
function readers(from: Templates): { queue: Resource; fn: Resource; mapping: Resource }[] {
  const queues = resources(from, 'AWS::SQS::Queue');
  const functions = resources(from, 'AWS::Lambda::Function');
  return resources(from, 'AWS::Lambda::EventSourceMapping').flatMap((mapping) => {
    const queue = queues.find(({ id }) => id === idOf(mapping.Properties.EventSourceArn));
    const fn = functions.find(({ id }) => id === idOf(mapping.Properties.FunctionName));
    return queue && fn ? [{ queue, fn, mapping }] : [];
  });
}

/** The queue, function and mapping of a stage; queue ids start with the stage. */
function readerOf(stage: string) {
  const found = readers(templates).filter(({ queue }) => queue.id.startsWith(stage));
  expect([stage, found.length]).toEqual([stage, 1]);
  return found[0]!;
}

function environmentOf(stage: string): Record<string, string> {
  const fn = resources(templates, 'AWS::Lambda::Function').find(({ id }) =>
    id.startsWith(`${stage}Function`),
  );
  const variables = Object.entries(fn?.Properties.Environment.Variables ?? {});
  return Object.fromEntries(variables.map(([name, value]) => [name, valueText(value)]));
}

describe('queues', () => {
  it('hide a message half a minute longer than its function may run, for any settings of the bastion', () => {
    const deadline = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(
        fc.record({ batchSize: fc.integer({ min: 1, max: 500 }), bastion: deadline, exec: deadline }),
        ({ batchSize, bastion, exec }) => {
          const seoul = `user: probe\n    batchSize: ${batchSize}\n    concurrency: 40\n    deadlines: { bastion: ${bastion}s, exec: ${exec}s }`;
          const read = readers(synthExample({ replace: [['user: probe', seoul]] }));
          expect(read).toHaveLength(5);
          for (const { queue, fn } of read)
            expect(queue.Properties.VisibilityTimeout).toBe(fn.Properties.Timeout + 30);
          const probe = read.find(({ fn }) => fn.id.startsWith('Probe'));
          const turns = Math.ceil(batchSize / 40);
          expect(probe?.fn.Properties.Timeout).toBeGreaterThan(bastion + turns * (5 + 10 + exec));
        },
      ),
      { numRuns: 5 },
    );
  });

  it.each([
    ['Probe', { batch: 1, tries: 5, keptSeconds: 3600, concurrency: 8 }],
    ['Store', { batch: 10, tries: 1000, keptSeconds: 14 * DAY_SECONDS, concurrency: 50 }],
    ['Evaluate', { batch: 1, tries: 200, keptSeconds: 900, concurrency: 2 }],
    ['Notify', { batch: 10, tries: 200, keptSeconds: 4 * 3600, concurrency: 2 }],
    ['Deliver', { batch: 1, tries: 200, keptSeconds: DAY_SECONDS, concurrency: 100 }],
  ])(
    'the queue of %s has its batch size, tries, retention and concurrency',
    (stage, { batch, tries, keptSeconds, concurrency }) => {
      const { queue, mapping } = readerOf(stage);
      expect(mapping.Properties).toMatchObject({
        BatchSize: batch,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      });
      expect(mapping.Properties.ScalingConfig?.MaximumConcurrency).toBe(concurrency);
      expect(queue.Properties).toMatchObject({
        MessageRetentionPeriod: keptSeconds,
        SqsManagedSseEnabled: true,
        RedrivePolicy: { maxReceiveCount: tries },
      });
      expect(queue.Properties.FifoQueue).toBe(stage === 'Deliver' ? true : undefined);
    },
  );

  // Lambda ends such a chain at about 16: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
  it('no message leads back to the function that sent it, so that no chain of invocations is a loop', () => {
    const stages = ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History'];
    /** The stages whose queues this stage may send to. */
    const next = (stage: string) =>
      policyLines(templates, stage).flatMap((line) => {
        const queue = /^sqs:SendMessage (\w+Queue)\.Arn/.exec(line)?.[1];
        return queue === undefined ? [] : stages.filter((one) => queue.startsWith(one));
      });
    const chains = (stage: string, before: readonly string[] = []): string[] => {
      const chain = [...before, stage];
      if (before.includes(stage)) throw new Error(`a loop: ${chain.join(' → ')}`);
      const behind = next(stage);
      return behind.length > 0 ? behind.flatMap((one) => chains(one, chain)) : [chain.join(' → ')];
    };
    expect(stages.flatMap((stage) => chains(stage)).filter((chain) => /^Plan/.test(chain))).toEqual([
      'Plan → Evaluate',
      'Plan → Notify → Deliver',
      'Plan → Probe → Store',
    ]);
    for (const { Properties } of resources(templates, 'AWS::Lambda::Function'))
      expect(Properties.RecursiveLoop).toBeUndefined();
  });

  it('dead-letter queues keep messages for 14 days, encrypted', () => {
    const dead = resources(templates, 'AWS::SQS::Queue').filter(({ id }) => id.includes('DeadLetters'));
    expect(dead).toHaveLength(6);
    for (const { id, Properties } of dead) {
      expect([id, Properties.MessageRetentionPeriod, Properties.SqsManagedSseEnabled]).toEqual([
        id,
        14 * DAY_SECONDS,
        true,
      ]);
    }
  });

  it('each dead-letter queue has a parameter that names the queue of its messages', () => {
    const written = resources(templates, 'AWS::SSM::Parameter')
      .filter(({ id }) => id.includes('DeadLetters'))
      .map(({ Properties: { Name, Value } }) => ({
        name: Name.replace(`${deadLettersPath(DEFAULT_NAME)}/`, ''),
        value: valueText(Value),
      }));
    const own = (stage: string, start: string) => ({
      name: stage,
      value: `{"stage":"${stage}","deadLetters":"<${start}QueueDeadLetters>","queue":"<${start}Queue>"}`,
    });
    expect(written.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      own('deliver', 'Deliver'),
      own('evaluate', 'Evaluate'),
      own('notify', 'Notify'),
      { name: 'plan', value: '{"stage":"plan","deadLetters":"<RoundsDeadLetters>"}' },
      {
        name: 'probe/seoul',
        value:
          '{"stage":"probe","bastion":"seoul","deadLetters":"<ProbeToseoulDeadLetters>","queue":"<ProbeToseoulQueue>"}',
      },
      own('store', 'Store'),
    ]);
  });

  it('each bastion has its own queue, with as many concurrent functions as the bastion may have connections', () => {
    const tokyo = `bastions:
  - name: tokyo
    host: 192.0.2.7
    port: 2222
    user: probe
    maxConnections: 3
    privateKey: \${ssm:/bartizan/ssh-key-tokyo}
    hostKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID61EgCu2OWOuPUVkoy5dpdtnSKM2JvRatb3XK8cAi3k]
`;
    const two = synthExample({ replace: [['bastions:\n', tokyo]] });
    const probe = readers(two).filter(({ fn }) => fn.id.startsWith('Probe'));
    expect(probe.map(({ mapping }) => mapping.Properties.ScalingConfig.MaximumConcurrency)).toEqual([3, 8]);
    const plan = resources(two, 'AWS::Lambda::Function').find(({ id }) => id.startsWith('Plan'));
    expect(valueText(plan?.Properties.Environment.Variables.BARTIZAN_PROBE_QUEUES)).toBe(
      '{"tokyo":"ProbeTotokyoQueue.QueueName","seoul":"ProbeToseoulQueue.QueueName"}',
    );
    const [group] = resources(two, 'AWS::EC2::SecurityGroup');
    expect(group?.Properties.SecurityGroupEgress).toContainEqual(
      expect.objectContaining({ CidrIp: '192.0.2.7/32', FromPort: 2222, ToPort: 2222 }),
    );
    expect(group?.Properties.SecurityGroupIngress).toBeUndefined();
  });
});

describe('functions', () => {
  const publicUrl =
    'https://{"Fn::Select":[2,{"Fn::Split":["/",{"Fn::ImportValue":"BartizanHistory:ExportsOutputFnGetAttHistoryFunctionFunctionUrlDDEFB1D0FunctionUrl74B07853"}]}]}';
  const common = {
    BARTIZAN_BUCKET: '<Files>',
    BARTIZAN_CONFIG_KEY: 'config/bartizan.yaml',
    BARTIZAN_TABLE: '<State>',
    BARTIZAN_SHARDS: '1',
    POWERTOOLS_METRICS_NAMESPACE: 'Bartizan',
    LOG_LEVEL: 'INFO',
  };

  it.each<[stage: string, queues: Record<string, string>]>([
    [
      'Plan',
      {
        BARTIZAN_PROBE_QUEUES: '{"seoul":"ProbeToseoulQueue.QueueName"}',
        BARTIZAN_DEPLOYED: expect.stringContaining('"tick":1,"probeS":'),
        BARTIZAN_EVALUATE_QUEUE: '<EvaluateQueue>',
        BARTIZAN_NOTIFY_QUEUE: '<NotifyQueue>',
      },
    ],
    ['Probe', { BARTIZAN_STORE_QUEUE: '<StoreQueue>' }],
    ['Store', {}],
    ['Evaluate', {}],
    ['Notify', { BARTIZAN_DELIVER_QUEUE: '<DeliverQueue>' }],
    ['Deliver', {}],
  ])('%s finds its queues in its environment', (stage, queues) => {
    expect(environmentOf(stage)).toEqual({
      ...common,
      POWERTOOLS_SERVICE_NAME: stage.toLowerCase(),
      BARTIZAN_PUBLIC_URL: publicUrl,
      ...queues,
    });
  });

  it('the settings that plan compares an upload with fit into its environment, also for the largest deployment', () => {
    const [name, count] = ['b'.repeat(40), 20];
    const edit = (config: Config): Config => {
      const [first] = config.bastions;
      const [channel] = config.channels;
      if (!first || !channel) throw new Error('the example has none');
      return {
        ...config,
        bastions: Array.from({ length: count }, (_, i) => ({
          ...first,
          name: `${name}-${i}`,
          host: `${'h'.repeat(50)}.h${i}`,
          privateKey: `\${ssm:/bartizan/key-${i}}`,
        })),
        clusters: Array.from({ length: 300 }, (_, i) => ({
          name: `c${i}`,
          bastion: `${name}-0`,
          nodes: [],
          privateKey: `\${ssm:/bartizan/clusters/${i}/key-of-its-nodes}`,
        })),
        channels: Array.from({ length: 30 }, (_, i) => ({
          ...channel,
          name: `on-call-${i}`,
          options: { token: `\${ssm:/bartizan/on-call-${i}}` },
        })),
      };
    };
    const plan = resources(synthExample({ edit }), 'AWS::Lambda::Function').find(({ id }) =>
      id.startsWith('Plan'),
    );
    const variables = plan?.Properties.Environment.Variables ?? {};
    const deployed: string = variables.BARTIZAN_DEPLOYED;
    // Names of queues are cut at 80 characters (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-limits.html).
    const others = 900 + count * (80 + name.length + 9);
    expect(valueText(variables.BARTIZAN_PROBE_QUEUES)).toContain(`${name}-19`);
    expect(deployed.length + others).toBeLessThan(4_096);
  });

  it('the functions of history do not know their own addresses', () => {
    expect(environmentOf('History')).toEqual({ ...common, POWERTOOLS_SERVICE_NAME: 'history' });
    expect(environmentOf('HistoryIam')).toEqual({
      ...common,
      POWERTOOLS_SERVICE_NAME: 'history-iam',
      HISTORY_ACCESS: 'iam',
    });
  });

  it('run on Node 24, with logs that expire; only probe is in the network', () => {
    const functions = resources(templates, 'AWS::Lambda::Function').filter(({ Properties }) =>
      Properties.Runtime.startsWith('nodejs'),
    );
    expect(functions).toHaveLength(8);
    for (const { id, Properties } of functions) {
      expect([id, Properties]).toEqual([
        id,
        expect.objectContaining({
          Runtime: 'nodejs24.x',
          Architectures: ['x86_64'],
          Handler: 'index.handler',
          LoggingConfig: { LogGroup: { Ref: expect.stringMatching(/Log[0-9A-F]{8}$/) } },
          Description: expect.stringContaining('docs/runbook.md#function-errors'),
        }),
      ]);
      // The SDK of X-Ray is in maintenance: https://docs.aws.amazon.com/xray/latest/devguide/xray-sdk-migration.html
      expect([id, Properties.TracingConfig]).toEqual([id, undefined]);
      expect([id, Properties.VpcConfig !== undefined]).toEqual([id, id.startsWith('Probe')]);
    }
    const logs = resources(templates, 'AWS::Logs::LogGroup');
    expect(logs.map(({ Properties }) => Properties.RetentionInDays)).toEqual(logs.map(() => 30));
  });

  it('run on the architecture of the setting', () => {
    const arm = synthExample({ context: { architecture: 'arm64', shards: '4' } });
    const plan = resources(arm, 'AWS::Lambda::Function').find(({ id }) => id.startsWith('Plan'));
    expect(plan?.Properties.Architectures).toEqual(['arm64']);
    expect(plan?.Properties.Environment.Variables.BARTIZAN_SHARDS).toBe('4');
  });

  it('the scheduler retries the start of a round for a minute, then keeps it as a dead letter', () => {
    const [schedule] = resources(templates, 'AWS::Scheduler::Schedule');
    expect(schedule?.Properties.Target.RetryPolicy).toEqual({
      MaximumEventAgeInSeconds: 60,
      MaximumRetryAttempts: 3,
    });
    expect(idOf(schedule?.Properties.Target.DeadLetterConfig.Arn)).toMatch(/^RoundsDeadLetters/);
    const [invoke] = resources(templates, 'AWS::Lambda::EventInvokeConfig');
    // Lambda tries it again a minute after it failed.
    expect(invoke?.Properties.MaximumEventAgeInSeconds).toBe(120);
    expect(idOf(invoke?.Properties.DestinationConfig.OnFailure.Destination)).toMatch(/^RoundsDeadLetters/);
  });
});

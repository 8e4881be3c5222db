import { describe, expect, it } from 'vitest';
import * as activation from '../../functions/activation.ts';
import * as parts from '../../functions/expanded-sections.ts';
import * as health from '../../functions/health.ts';
import * as planned from '../../functions/planned.ts';
import * as account from '../../functions/round-account.ts';
import {
  ACTIVE_KEY,
  DELIVERY_KEY,
  DUE_KEY,
  EVALUATED,
  HEALTH_KEY,
  MANIFEST_KEY,
  PARTS_PREFIX,
  PLANNED_KEY,
} from '../../lib/data.ts';
import {
  ANY_FUNCTION,
  always,
  INTERFACES,
  KEYS,
  PARAMETERS,
  parameters,
  reads,
  receives,
  sends,
  state,
  WORKSPACE,
} from './permission-lines.ts';
import { policyLines } from './policy-text.ts';
import { resources, synthExample } from './synth.ts';

const templates = synthExample();

const STAGES = ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History', 'HistoryIam'];

describe('each function has these permissions and no others', () => {
  it.each<[stage: string, allowed: string[]]>([
    [
      'Plan',
      [
        ...sends('ProbeToseoulQueue', 'EvaluateQueue', 'NotifyQueue'),
        'sqs:GetQueueAttributes RoundsDeadLetters.Arn',
        'sqs:GetQueueUrl RoundsDeadLetters.Arn',
        'sqs:SendMessage RoundsDeadLetters.Arn',
        // `due.json`: what rounds must still do. `health.json`: the last complete round.
        's3:GetObject Files.Arn/due.json',
        's3:PutObject Files.Arn/due.json',
        's3:GetObject Files.Arn/health.json',
        's3:GetObject Files.Arn/config/bartizan.yaml',
        ...['GetObject', 'PutObject'].flatMap((action) =>
          ['active.yaml', 'active.json', 'expanded/*'].map((key) => `s3:${action} Files.Arn/config/${key}`),
        ),
        's3:GetObject Files.Arn/planned.json',
        's3:PutObject Files.Arn/planned.json',
      ],
    ],
    [
      'Probe',
      [
        ...reads('settings', 'logins'),
        's3:GetObject Files.Arn/config/signatures.json',
        ...receives('ProbeToseoulQueue'),
        ...sends('StoreQueue'),
        ...state(' if dynamodb:LeadingKeys = audit'),
        ...parameters('ssh-key'),
        's3:GetObject Files.Arn/counters/*',
        's3:PutObject Files.Arn/counters/*',
        's3:PutObject Files.Arn/audit/*',
        // Lambda creates the interfaces; the code of the function may not.
        ...INTERFACES.map((action) => `${action} *`),
        ...INTERFACES.map((action) => `deny ${action} * if lambda:SourceFunctionArn = ${ANY_FUNCTION}`),
      ],
    ],
    [
      'Store',
      [
        ...reads('settings'),
        ...receives('StoreQueue'),
        ...state(' if dynamodb:LeadingKeys = status#*, part#status#*, late#*, part#late#*'),
        `aps:RemoteWrite ${WORKSPACE}`,
      ],
    ],
    [
      'Evaluate',
      [
        ...reads('settings', 'nodes'),
        ...receives('EvaluateQueue'),
        ...state(),
        `aps:QueryMetrics ${WORKSPACE}`,
        // How many nodes are watched.
        `aps:RemoteWrite ${WORKSPACE}`,
        's3:GetObject Files.Arn/health.json',
        's3:PutObject Files.Arn/health.json',
        's3:GetObject Files.Arn/due.json',
        // `delivery.json`: whether alerts reach people, which evaluate asks before it calls the heartbeat.
        ...parameters('heartbeat'),
        's3:GetObject Files.Arn/delivery.json',
        // `judged/`: the marks of evaluated shards, which the cross-cluster shard reads.
        's3:GetObject Files.Arn/judged/*',
        's3:PutObject Files.Arn/judged/*',
      ],
    ],
    [
      'Notify',
      [
        ...reads('settings'),
        ...receives('NotifyQueue'),
        ...sends('DeliverQueue'),
        ...state(),
        ...['DescribeStream', 'GetRecords', 'GetShardIterator'].map(
          (action) => `dynamodb:${action} State.StreamArn`,
        ),
        's3:GetObject Files.Arn/delivery.json',
        's3:PutObject Files.Arn/delivery.json',
        // Finds the open incidents after a change of the configuration.
        'dynamodb:Query State.Arn/index/history',
        // IAM allows the list of all streams or of none.
        'dynamodb:ListStreams *',
      ],
    ],
    [
      'Deliver',
      [
        ...reads('settings', 'public'),
        ...receives('DeliverQueue'),
        ...state(),
        ...parameters('on-call-url', 'slack-token'),
        's3:PutObject Files.Arn/charts/*',
        `aps:QueryMetrics ${WORKSPACE}`,
      ],
    ],
  ])('%s', (stage, allowed) => {
    expect(policyLines(templates, stage)).toEqual([...always(stage), ...allowed].sort());
  });
});

it('functions and stacks use the same names of files', () => {
  expect([
    ACTIVE_KEY,
    MANIFEST_KEY,
    PARTS_PREFIX,
    HEALTH_KEY,
    DUE_KEY,
    DELIVERY_KEY,
    EVALUATED,
    PLANNED_KEY,
  ]).toEqual([
    activation.ACTIVE_KEY,
    parts.MANIFEST_KEY,
    parts.SECTIONS_PREFIX,
    health.HEALTH_KEY,
    account.DUE_KEY,
    health.DELIVERY_KEY,
    health.EVALUATED,
    planned.PLANNED_KEY,
  ]);
});

describe('permissions follow from the configuration', () => {
  it('only the functions that need the fleet may read sources of clusters', () => {
    const sourced = synthExample({
      context: { loginParameters: '/bartizan/keys/*' },
      replace: [
        [
          'checks:\n',
          'inventory:\n  - { type: ssm, path: /bartizan/clusters }\n  - { type: dynamodb, table: clusters }\n  - { type: http, name: own, url: "https://api.example.net", bearerToken: "${ssm:/bartizan/inventory-token}" }\n\nchecks:\n',
        ],
      ],
    });
    for (const stage of STAGES) {
      const lines = policyLines(sourced, stage);
      const wanted = [
        'dynamodb:Scan arn:<Partition>:dynamodb:<Region>:<AccountId>:table/clusters',
        `ssm:GetParametersByPath ${PARAMETERS}/clusters`,
        `ssm:GetParameter ${PARAMETERS}/inventory-token`,
        `ssm:GetParametersByPath ${PARAMETERS}/clusters/*`,
        `kms:Decrypt ${KEYS} if kms:EncryptionContext:PARAMETER_ARN = ${PARAMETERS}/clusters, ${PARAMETERS}/clusters/*`,
      ];
      const reads = ['Plan', 'Probe', 'Evaluate'].includes(stage);
      expect([stage, wanted.map((line) => lines.includes(line))]).toEqual([stage, wanted.map(() => reads)]);
      expect(lines.includes(`ssm:GetParameters ${PARAMETERS}/keys/*`)).toBe(stage === 'Probe');
    }
    const kept = ' if dynamodb:LeadingKeys = counters#*, part#counters#*';
    expect(policyLines(sourced, 'Plan')).toEqual(expect.arrayContaining(state(kept)));
    // Queries are about the clusters that others have read.
    for (const stage of ['History', 'HistoryIam']) {
      const lines = policyLines(sourced, stage).filter((line) => line.endsWith(kept));
      expect(lines).toEqual(['BatchGetItem', 'Query'].map((action) => `dynamodb:${action} State.Arn${kept}`));
    }
  });

  const store = 'arn:<Partition>:timestream:<Region>:<AccountId>:database/bartizan/table/samples';
  const onTimestream = synthExample({
    edit: (config) => ({
      ...config,
      store: {
        ...config.store,
        type: 'timestream',
        options: { database: 'bartizan', table: 'samples', region: 'eu-west-1' },
      },
    }),
  });

  it.each([
    ['Store', [`timestream:DescribeTable ${store}`, `timestream:WriteRecords ${store}`]],
    [
      'Evaluate',
      ['DescribeTable', 'Select', 'WriteRecords'].map((action) => `timestream:${action} ${store}`),
    ],
  ])('%s may use the table in Timestream', (stage, allowed) => {
    const lines = policyLines(onTimestream, stage);
    expect(lines.filter((line) => /^(timestream|aps):/.test(line))).toEqual(
      // The client asks for its endpoint before it names a table.
      ['timestream:DescribeEndpoints *', ...allowed],
    );
  });

  it('only the functions that use the store may read its credentials, and they are in its network if it is private', () => {
    const own = synthExample({
      context: { storeInVpc: 'true' },
      edit: (config) => ({
        ...config,
        store: {
          ...config.store,
          options: {
            url: 'http://metrics.internal:9090',
            bearerToken: '${ssm:/bartizan/store:3}',
            headers: { 'X-Scope-OrgID': 'a-${ssm:tenant}' },
          },
        },
      }),
    });
    for (const stage of STAGES) {
      const lines = policyLines(own, stage);
      const reads = lines.includes(`ssm:GetParameters ${PARAMETERS}/store`);
      const speaks = ['Store', 'Evaluate', 'Deliver', 'History', 'HistoryIam'].includes(stage);
      expect([stage, reads]).toEqual([stage, speaks]);
      expect(lines.some((line) => line.startsWith('ssm:') && line.endsWith(':parameter/tenant'))).toBe(
        speaks,
      );
      expect(lines.some((line) => line.startsWith('ec2:'))).toBe(speaks || stage === 'Probe');
      expect(lines.some((line) => line.startsWith('aps:'))).toBe(false);
    }
    const [group] = resources(own, 'AWS::EC2::SecurityGroup');
    const ports = group?.Properties.SecurityGroupEgress.map(({ FromPort }: { FromPort: number }) => FromPort);
    expect(ports).toEqual([443, 22, 9090]);
  });

  it('only evaluate may read the address of the heartbeat, and the firewall lets it connect there', () => {
    const heartbeat = 'http://watch.internal:8080/${ssm:/bartizan/heartbeat:2}';
    const watched = synthExample({
      context: { storeInVpc: 'true' },
      edit: (config) => ({ ...config, server: { ...config.server, heartbeat } }),
    });
    for (const stage of STAGES) {
      const reads = policyLines(watched, stage).includes(`ssm:GetParameters ${PARAMETERS}/heartbeat`);
      expect([stage, reads]).toEqual([stage, stage === 'Evaluate']);
    }
    const [group] = resources(watched, 'AWS::EC2::SecurityGroup');
    const ports = group?.Properties.SecurityGroupEgress.map(({ FromPort }: { FromPort: number }) => FromPort);
    expect(ports).toEqual([443, 22, 8080]);
  });
});

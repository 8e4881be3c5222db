import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { defineExample, type SynthOptions } from './synth.ts';

/** The findings of cdk-nag that we accept: rule and finding, where, why. */
const ACCEPTED: readonly [finding: RegExp, where: RegExp, why: string][] = [
  [
    /^AwsSolutions-S1$/,
    /^BartizanData\/Files\//,
    'Only our functions read the bucket. Each access to a node is in the audit log that lies in it; CloudTrail can record the rest.',
  ],
  [
    /^AwsSolutions-SQS3$/,
    /\/DeadLetters\//,
    'It is the dead-letter queue of a schedule; the rule knows only dead-letter queues of queues.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::\*\]$/,
    /^Bartizan(Pipeline|History)\/\w+\/Role\//,
    'IAM allows lists of streams and Timestream endpoints for all resources or none. Lambda creates network interfaces before they have names; a second statement denies them to the code of the function.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::\S+\/(charts|counters|audit|judged|config\/expanded)\/([a-z]+-)?\*\]$/,
    /^Bartizan(Pipeline|History)\/\w+\/Role\//,
    'A function makes up the name of a file when it writes it; no other files have this prefix.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key\/\*\]$/,
    /^Bartizan(Pipeline|History)\/\w+\/Role\//,
    'Only the parameter knows which key encrypted it; a condition names the parameters.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:aps:[\w-]+:<AWS::AccountId>:workspace\/\*\]$/,
    /^Bartizan(Pipeline|History)\/\w+\/Role\//,
    'The address of the workspace is a secret of the configuration, so its name is not known when policies are written.',
  ],
  [
    /^AwsSolutions-TS3$/,
    /^BartizanData\/SampleDatabase$/,
    'Timestream encrypts samples with the key of AWS; they contain the load and the names of nodes.',
  ],
  [
    /^AwsSolutions-EC2[89]$/,
    /^BartizanNetwork\/Vpc\/publicSubnet1\/NatInstance\//,
    'The instance stores nothing: AWS recovers it, a deployment replaces it, and an alarm shows when it stops forwarding.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::<PlanFunction\w+\.Arn>:\*\]$/,
    /^BartizanPipeline\/SchedulerRole/,
    'The schedule starts one function; the wildcard stands for its versions.',
  ],
];

const CASES: readonly [what: string, options: SynthOptions][] = [
  ['the example', {}],
  ['a NAT instance', { context: { natInstance: 't4g.nano' } }],
  [
    'an existing network with a private store behind a secret address',
    {
      context: {
        vpcId: 'vpc-0123456789abcdef0',
        privateSubnetIds: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1',
        storeInVpc: 'true',
        alarmEmail: 'ops@example.net',
      },
      replace: [
        [
          'https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/ws-00000000-0000-0000-0000-000000000000',
          '${ssm:/bartizan/store}',
        ],
      ],
    },
  ],
  [
    'Timestream',
    {
      edit: (config) => ({
        ...config,
        store: {
          ...config.store,
          type: 'timestream',
          options: { database: 'bartizan', table: 'samples', region: 'eu-west-1' },
        },
      }),
    },
  ],
];

function findingsOf(options: SynthOptions): { finding: string; where: string }[] {
  const { app } = defineExample(options);
  app.synth();
  const { violations } = new AwsSolutionsChecks().validateScope(app);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => ({ finding: ruleName, where: constructPath ?? '' })),
  );
}

it('cdk-nag has no finding without a reason of ours, and every reason still has a finding', () => {
  const found = CASES.flatMap(([what, options]) => findingsOf(options).map((one) => ({ what, ...one })));
  const unexplained = found.filter(
    ({ finding, where }) => !ACCEPTED.some(([rule, location]) => rule.test(finding) && location.test(where)),
  );
  expect(unexplained).toEqual([]);
  const idle = ACCEPTED.filter(
    ([rule, location]) => !found.some(({ finding, where }) => rule.test(finding) && location.test(where)),
  );
  expect(idle).toEqual([]);
});

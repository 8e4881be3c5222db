import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../core/model/config.ts';
import {
  defineExample,
  exampleText,
  resources,
  type SynthOptions,
  synthExample,
  templatesOf,
} from './synth.ts';

const EVERY = 'every: 1m';

/** Copies of the first bastion, with different names. */
function many([first]: Config['bastions'], count: number): Config['bastions'] {
  return Array.from({ length: count }, (_, i) => ({
    ...(first as Config['bastions'][number]),
    name: `${'long'.repeat(10)}-${i}`,
  }));
}

function messageOf(options: SynthOptions): string {
  try {
    defineExample(options);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing is wrong';
}

describe('a configuration that cannot run on AWS is refused with a message', () => {
  const bastion = (fields: string): SynthOptions => ({
    replace: [['user: probe', `user: probe\n    ${fields}`]],
  });

  it.each<[string, SynthOptions, string]>([
    [
      'a file as store',
      { edit: (config) => ({ ...config, store: { ...config.store, type: 'sqlite', options: {} } }) },
      'store.type: `sqlite` is a file, and functions share none; write `prometheus` with the address of a workspace of Amazon Managed Prometheus',
    ],
    [
      'a tick under a minute',
      { replace: [[EVERY, 'every: 10s']] },
      'checks usage: it runs every 10 s, and schedules on AWS count whole minutes; write `1m` or a multiple of it',
    ],
    [
      'a tick between minutes',
      { replace: [[EVERY, 'every: 90s']] },
      'checks usage: it runs every 90 s, and schedules on AWS count whole minutes; write `1m` or a multiple of it',
    ],
    [
      'no check within the hour',
      { replace: [[EVERY, 'every: 2h']] },
      'checks: none runs within the hour; write `1h` or less for one, so that a missed round is noticed',
    ],
    [
      'a batch that fits no message',
      bastion('batchSize: 501\n    concurrency: 501'),
      'bastions seoul: a batch of 501 nodes fits no message; write `batchSize: 500` or less',
    ],
    [
      'one connection',
      bastion('maxConnections: 1'),
      'bastions seoul: a queue feeds two functions at once at least, which is two connections; write `maxConnections: 2` or more',
    ],
    [
      'a batch that outlasts a function',
      bastion('concurrency: 1'),
      'bastions seoul: a batch of silent nodes takes 3025 s, and a function ends after 900; lower `batchSize` or `deadlines`, or raise `concurrency`',
    ],
    [
      'more bastions than fit',
      { edit: (config) => ({ ...config, bastions: many(config.bastions, 21) }) },
      'bastions: there are 21, and a deployment takes 20; divide them over deployments, each with a name of its own, `-c name=…`',
    ],
    [
      'an agent',
      { replace: [['privateKey: ${ssm:/bartizan/ssh-key}', 'agent: /run/agent']] },
      'bastions seoul: there is no ssh-agent on AWS; write `privateKey` instead',
    ],
    [
      "an agent for a cluster's nodes",
      { replace: [['bastion: seoul', 'bastion: seoul\n    agent: /run/agent']] },
      'clusters prod: there is no ssh-agent on AWS; write `privateKey` instead',
    ],
    [
      'a bastion without a host key',
      { replace: [[/^ {4}hostKeys:\n.*\n/m.exec(exampleText())?.[0] ?? '', '']] },
      'bastions seoul: no host key is pinned, and what `bartizan trust` learned is a file of this machine; write `hostKeys`',
    ],
    [
      'a node without a host key',
      { replace: [[/^ +hostKeys: \[.*AAAAID61.*\n/m.exec(exampleText())?.[0] ?? '', '']] },
      'clusters prod, prod-1: no host key is pinned, and what `bartizan trust` learned is a file of this machine; write `hostKeys`',
    ],
    [
      'a heartbeat that only this machine knows',
      { replace: [['${ssm:/bartizan/heartbeat}', '${env:WATCHER}']] },
      '${env:WATCHER} is unknown to a function; put the value into a parameter and write `${ssm:/bartizan/…}`',
    ],
    [
      'a variable',
      { replace: [['${ssm:/bartizan/on-call-url}', '${env:ON_CALL_URL}']] },
      '${env:ON_CALL_URL} is unknown to a function; put the value into a parameter and write `${ssm:/bartizan/…}`',
    ],
  ])('%s', (_what, options, error) => {
    expect(messageOf(options)).toBe(
      `ConfigError: examples/aws/bartizan.yaml cannot run on AWS: 1 problem\n  ${error}`,
    );
  });

  it('all errors at once', () => {
    const options: SynthOptions = {
      replace: [
        [EVERY, 'every: 30s'],
        ['user: probe', 'user: probe\n    maxConnections: 1'],
      ],
    };
    expect(messageOf(options).split('\n')).toHaveLength(3);
  });
});

it('the largest number of bastions fits into environments and policies', () => {
  const edit = (config: Config) => ({ ...config, bastions: many(config.bastions, 20) });
  const { pipeline } = synthExample({ edit });
  const longest = (type: string, part: (properties: never) => unknown) =>
    Math.max(
      ...Object.values(pipeline.findResources(type)).map(({ Properties }) =>
        lengthDeployed(part(Properties as never)),
      ),
    );
  const environment = ({ Environment }: { Environment: unknown }) => Environment;
  const policy = ({ PolicyDocument }: { PolicyDocument: unknown }) => PolicyDocument;
  expect(longest('AWS::Lambda::Function', environment)).toBeLessThan(4096);
  expect(longest('AWS::IAM::Policy', policy)).toBeLessThan(10_240);
});

it.each([60, 95, 3_000])(
  'parameters for each of %i clusters fit into the policies of a role',
  (count) => {
    const edit = (config: Config) => ({ ...config, clusters: clustersWithKeys(config.clusters, count) });
    const { app, stacks } = defineExample({ edit });
    app.synth();
    const templates = templatesOf(stacks);
    const sizes = (type: string) =>
      resources(templates, type)
        .filter(({ id }) => id.startsWith('ProbeRole'))
        .map(({ Properties }) => lengthDeployed(Properties.PolicyDocument));
    const [own, managed] = [sizes('AWS::IAM::Policy'), sizes('AWS::IAM::ManagedPolicy')];
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    expect(Math.max(...own)).toBeLessThan(10_240);
    expect(Math.max(0, ...managed)).toBeLessThan(6_144);
    expect(managed.length).toBeLessThanOrEqual(10);
    const text = JSON.stringify(templates.pipeline.toJSON());
    expect(text.includes(`parameter/bartizan/keys/${longName(count - 1)}`)).toBe(count < 1_000);
    expect(text.includes('parameter/bartizan/keys/*')).toBe(count > 1_000);
    const warned = Annotations.fromStack(stacks.pipeline.stack).findWarning(
      '*',
      Match.stringLikeRegexp('too many'),
    );
    expect(warned).toHaveLength(count > 1_000 ? 1 : 0);
  },
  60_000,
);

const longName = (i: number) => `a-cluster-with-a-name-as-people-have-them-${i}`;

function clustersWithKeys([first]: Config['clusters'], count: number): Config['clusters'] {
  return Array.from({ length: count }, (_, i) => ({
    ...(first as Config['clusters'][number]),
    name: longName(i),
    privateKey: `\${ssm:/bartizan/keys/${longName(i)}}`,
  }));
}

/** The length of the text that CloudFormation makes; each reference counts as its longest value. */
function lengthDeployed(value: unknown): number {
  return JSON.stringify(deployed(value)).length;
}

function deployed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deployed);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = ['', undefined]] = Object.entries(value);
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(deployed).join('');
  if (name === 'Ref' && String(argument).startsWith('AWS::')) return LONGEST[String(argument)] ?? '';
  if (/^(Ref|Fn::GetAtt|Fn::ImportValue)$/.test(name)) {
    const own = 'x'.repeat(80);
    return JSON.stringify(value).includes('"QueueName"')
      ? own
      : `arn:aws:sqs:ap-northeast-2:123456789012:${own}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, deployed(part)]));
}

const LONGEST: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-northeast-2',
  'AWS::AccountId': '123456789012',
};

it('synth warns of settings that have no effect on AWS, unless they have their defaults', () => {
  const warnings = (options: SynthOptions) => {
    const { stacks } = defineExample(options);
    const found = Annotations.fromStack(stacks.pipeline.stack).findWarning('*', Match.anyValue());
    return found.map(({ entry }) => String(entry.data).replace(/:.*/s, ''));
  };
  expect(warnings({})).toEqual([]);
  const changed = 'store:\n  retention: 30d\n  rollUpRetention: 365d\n';
  const more = 'schedule: { jitter: 5s }\n';
  const listen: [string, string] = ['server:\n', 'server:\n  listen: "0.0.0.0:80"\n'];
  expect(warnings({ replace: [listen, ['store:\n', more + changed]] })).toEqual([
    'server.listen',
    'schedule.jitter',
    'store.retention',
    'store.rollUpRetention',
  ]);
});

describe('a setting that makes no sense is refused with a message', () => {
  it.each([
    ['architecture', 'mips', '-c architecture=mips: write `arm64` or `x86_64`'],
    ['shards', '0', '-c shards=0: write a whole number from 1 to 100'],
    ['storeInVpc', 'yes', '-c storeInVpc=yes: write `true` or `false`'],
    ['network', 'public', '-c network=public: write `none`, or leave it out'],
    ['natInstance', 'nano', '-c natInstance=nano: write a type of EC2, such as `t4g.nano`'],
    ['auditDays', '0', '-c auditDays=0: write a whole number of days, 1 or more'],
    [
      'vpcId',
      'vpc-0123456789abcdef0',
      'an existing network needs both: `-c vpcId=vpc-…` and `-c privateSubnetIds=subnet-…,subnet-…`',
    ],
  ])('%s=%s', (name, value, error) => {
    expect(messageOf({ context: { [name]: value } })).toBe(`ConfigError: ${error}`);
  });

  it('two kinds of egress are refused, and a private store without a network', () => {
    expect(messageOf({ context: { network: 'none', natInstance: 't4g.nano' } })).toBe(
      'ConfigError: write one of `-c vpcId=…`, `-c natInstance=…` and `-c network=none`; an empty one, `-c natInstance=`, removes the setting of the last deployment',
    );
    expect(messageOf({ context: { network: 'none', storeInVpc: 'true' } })).toBe(
      'ConfigError: `-c network=none` has no network for `-c storeInVpc=true`: leave one out',
    );
  });
});

describe('the schedule', () => {
  it.each([
    ['1m', 'cron(0/1 * * * ? *)', 60],
    ['5m', 'cron(0/5 * * * ? *)', 300],
    // A pattern of EventBridge has no "every 7 minutes": the function starts each minute, and six of seven times
    // nothing is due.
    ['7m', 'cron(0/1 * * * ? *)', 420],
    ['45m', 'cron(0/15 * * * ? *)', 2700],
    ['1h', 'cron(0 * * * ? *)', 3600],
  ])('every %s fires at %s', (every, pattern, tickSeconds) => {
    const templates = synthExample({ replace: [[EVERY, `every: ${every}`]] });
    const [schedule] = resources(templates, 'AWS::Scheduler::Schedule');
    expect(schedule?.Properties).toMatchObject({
      ScheduleExpression: pattern,
      ScheduleExpressionTimezone: 'Etc/UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Input: '{"scheduledTime":"<aws.scheduler.scheduled-time>"}' },
    });
    const alarm = resources(templates, 'AWS::CloudWatch::Alarm').find(({ id }) => id.includes('NoRound'));
    expect(alarm?.Properties.Period).toBe(tickSeconds);
  });
});

describe('bin/app.ts', () => {
  it('prints the same errors as `check`, and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bartizan-app-'));
    const file = join(folder, 'bartizan.yaml');
    writeFileSync(file, exampleText([['role: controlplane', 'role: controlplan']]));
    const run = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' });
    const context = JSON.stringify({ config: file, 'aws:cdk:bundling-stacks': [] });
    const app = spawnSync(process.execPath, ['bin/app.ts'], {
      encoding: 'utf8',
      env: { ...process.env, CDK_CONTEXT_JSON: context, CDK_OUTDIR: join(folder, 'out') },
    });
    const check = run('bin/bartizan.ts', 'check', file);
    rmSync(folder, { recursive: true, force: true });
    const [first, ...reported] = app.stderr.trimEnd().split('\n');
    expect(first).toBe(`${file} has 2 errors`);
    expect(reported.length).toBeGreaterThan(4);
    for (const line of reported) expect(`${check.stdout}${check.stderr}`).toContain(line);
    expect(app.status).toBe(1);
  });
});

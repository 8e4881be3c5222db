import { expect, it } from 'vitest';
import { readCdkArguments } from './cdk-arguments.ts';

const JSON_TEXT = '{"context":{"architecture":"arm64","shards":2}}';

it.each([
  [['-c', 'config=a.yaml', '--context', 'shards=4']],
  [['--require-approval', 'never', '--context=config=a.yaml', '-c', 'shards=4', '--app', 'cdk.out']],
  [['-c', 'config=b.yaml', '-c', 'config=a.yaml', '-c', 'shards=4', '--hotswap']],
])('an argument is found at any position, and overrides cdk.json: %j', (args) => {
  const { file, context, profile, qualifier } = readCdkArguments(args, JSON_TEXT);
  expect([file, context('shards'), context('architecture'), context('vpcId')]).toEqual([
    'a.yaml',
    '4',
    'arm64',
    undefined,
  ]);
  expect([profile, qualifier]).toEqual([undefined, 'hnb659fds']);
});

it('the profile and CDK’s qualifier are found, also when a value contains equals signs', () => {
  const args = ['--profile', 'ops', '-c', 'config=a=b.yaml', '-c', '@aws-cdk/core:bootstrapQualifier=mine'];
  expect(readCdkArguments(args, '{}')).toMatchObject({ profile: 'ops', file: 'a=b.yaml', qualifier: 'mine' });
});

it('the configuration is required, so that nobody deploys the example by mistake', () => {
  expect(() => readCdkArguments(['--require-approval', 'never'], JSON_TEXT)).toThrow(
    'no configuration: `npm run deploy -- -c config=bartizan.yaml`',
  );
});

it.each<[args: string[], idle: string | undefined]>([
  [[], undefined],
  [['--method', 'direct', '--execute'], undefined],
  [['--method', 'prepare-change-set'], '--method prepare-change-set'],
  [['--method=prepare-change-set'], '--method prepare-change-set'],
  [['-m', 'prepare-change-set'], '--method prepare-change-set'],
  [['--no-execute', '--require-approval', 'never'], '--no-execute'],
  [['--execute=false'], '--execute=false'],
  [['--execute', 'false'], '--execute=false'],
  [['--help'], '--help'],
  [['-h'], '-h'],
])('the argument with which CDK deploys nothing is found: %j', (args, idle) => {
  expect(readCdkArguments(['-c', 'config=a.yaml', ...args], '{}').idle).toBe(idle);
});

it('an unknown setting is refused, at any position', () => {
  const args = ['-c', 'config=a.yaml', '--context=alarmemail=ops@example.net', '-c', 'checked=true'];
  expect(() => readCdkArguments(args, '{}')).toThrow(
    /^-c alarmemail: no such setting; did you mean `alarmEmail`\?\n-c checked: no such setting; there are: /,
  );
});

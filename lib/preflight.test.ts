import { describe, expect, it } from 'vitest';
import { awsError } from '../adapters/aws/errors.ts';
import { KINDS } from '../adapters/registry.ts';
import { typedError } from '../adapters/stores/timestream/service-errors.ts';
import { parseConfig } from '../core/config/parse.ts';
import { ConfigError, RetryableError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { accountWith } from '../test/stacks/account.ts';
import { EXAMPLE, exampleText, resources, synthExample } from '../test/stacks/synth.ts';
import type { Account } from './account.ts';
import { BOOTSTRAP_VERSION, preflight } from './preflight.ts';

const REGION = 'ap-northeast-2';
const TIMESTREAM =
  'store: { type: timestream, database: bartizan, table: samples, region: ap-northeast-2 }\n';

const withMail = (name: string) => (name === 'alarmEmail' ? 'ops@example.net' : undefined);

function configOf(...replace: [string, string][]): Config {
  const text = exampleText(replace);
  const parsed = parseConfig(text, { file: EXAMPLE, kinds: KINDS, baseDir: '/', nowMs: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** The example with another store. */
function withStore(store: string): Config {
  const text = exampleText();
  return configOf([text.slice(text.indexOf('store:\n')), store]);
}

function failing(name: string, message: string): () => Promise<never> {
  return async () => {
    throw awsError(Object.assign(new Error(message), { name }), 'parameters');
  };
}

const timestreamAnswers = (name: string, message: string) => async () => {
  throw typedError(Object.assign(new Error(message), { name }), 'Timestream bartizan.samples');
};

async function problems(
  account: Account,
  { config = configOf(), context = {} as Record<string, string> } = {},
): Promise<string[]> {
  const options = { config, file: 'my.yaml', context: (name: string) => context[name] };
  const asked = preflight({ ...options, qualifier: 'hnb659fds' }, account);
  const text = await asked.then(
    () => '',
    (error: Error) => error.message,
  );
  return text.split('\n').filter((line) => line !== '');
}

describe('preflight', () => {
  it('accepts a configuration when the account has everything', async () => {
    const asked: string[] = [];
    const account = accountWith({
      async missingParameters(names) {
        asked.push(...names);
        return [];
      },
    });
    const context = (name: string) => (name === 'loginParameters' ? '/fleet/*' : withMail(name));
    const cleared = await preflight(
      { config: configOf(), file: 'my.yaml', context, qualifier: 'hnb659fds' },
      account,
    );
    expect(cleared).toMatchObject({
      account: '123456789012',
      region: REGION,
      warnings: [],
      notes: [expect.stringMatching(/^nothing is deployed yet as `bartizan`; it uses: /)],
      added: {},
    });
    expect(asked).toEqual([
      '/bartizan/ssh-key',
      '/bartizan/on-call-url',
      '/bartizan/slack-token',
      '/bartizan/heartbeat',
      '/fleet/*',
    ]);
  });

  it('warns when there is no heartbeat', async () => {
    const config = configOf(['server:\n  heartbeat: ${ssm:/bartizan/heartbeat}\n', '']);
    const context = withMail;
    const cleared = await preflight({ config, file: 'my.yaml', context, qualifier: 'q' }, accountWith());
    expect(cleared.warnings).toEqual([
      expect.stringMatching(/^server\.heartbeat is not set: .*docs\/deploy\.md, step 2$/),
    ]);
  });

  it('warns of alarms without a recipient, and of an inventory whose keys no function may read', async () => {
    const config = configOf(['checks:\n', 'inventory:\n  - { type: ssm, path: /b/clusters }\n\nchecks:\n']);
    const warnings = async (context: Record<string, string>) => {
      const options = { config, file: 'my.yaml', qualifier: 'q', context: (name: string) => context[name] };
      return (await preflight(options, accountWith())).warnings;
    };
    expect(await warnings({})).toEqual([
      expect.stringMatching(/^-c alarmEmail is not set: /),
      expect.stringMatching(/^inventory: .*-c loginParameters=/),
    ]);
    expect(await warnings({ alarmEmail: 'a@example.net', loginParameters: '/b/keys/*' })).toEqual([]);
  });

  it('reports all problems at once, each with an advice', async () => {
    const account = accountWith({
      bootstrapVersion: async () => undefined,
      missingParameters: async () => ['/bartizan/ssh-key', '/fleet/*'],
    });
    const config = configOf(
      ['every: 1m', 'every: 90s'],
      ['sigv4: { region: ap-northeast-2 }', 'sigv4: { region: eu-west-1 }'],
    );
    expect(await problems(account, { config })).toEqual([
      'my.yaml is not deployed; 6 problems to solve first',
      expect.stringMatching(/^ {2}checks usage: it runs every 90 s/),
      '  store.url: the workspace is in ap-northeast-2, and `sigv4.region` is `eu-west-1`',
      '  store.writeUrl: the workspace is in ap-northeast-2, and `sigv4.region` is `eu-west-1`',
      '  account 123456789012 is not prepared for CDK in ap-northeast-2: run `npx cdk bootstrap aws://123456789012/ap-northeast-2`, once',
      '  ${ssm:/bartizan/ssh-key}: there is no such parameter in ap-northeast-2; `aws ssm put-parameter --type SecureString --name /bartizan/ssh-key --value …`',
      '  -c loginParameters: there is no parameter under /fleet in ap-northeast-2',
    ]);
  });

  it.each<[what: string, account: Partial<Account>, printed: RegExp]>([
    ['no region', { region: failing('Error', 'Region is missing') }, /no region is set; set AWS_REGION$/],
    [
      'no credentials',
      { identity: failing('CredentialsProviderError', 'Could not load credentials from any providers') },
      /CredentialsProviderError: Could not load .* \(check credentials and policy\)$/,
    ],
    [
      'expired credentials',
      { identity: failing('ExpiredTokenException', 'The security token is expired') },
      /ExpiredTokenException: .* \(check credentials and policy\)$/,
    ],
    [
      'an old bootstrap stack of CDK',
      { bootstrapVersion: async () => BOOTSTRAP_VERSION - 1 },
      /has version 5, and version 6 is needed: run `npx cdk bootstrap aws:/,
    ],
    [
      'a service that does not answer',
      { missingParameters: failing('InternalServerError', 'oops') },
      /InternalServerError/,
    ],
  ])('reports the problem: %s', async (_, account, printed) => {
    const [head, ...lines] = await problems(accountWith(account));
    expect(head).toBe('my.yaml is not deployed; 1 problem to solve first');
    expect(lines).toEqual([expect.stringMatching(printed)]);
  });

  it('reports problems of the configuration also without a login', async () => {
    const account = accountWith({ identity: failing('CredentialsProviderError', 'none') });
    const config = configOf(['every: 1m', 'every: 90s']);
    expect(await problems(account, { config })).toHaveLength(3);
  });

  it('continues without permissions to read the account, and prints which checks were skipped', async () => {
    const denied = failing('AccessDeniedException', 'not authorized to perform: ssm:DescribeParameters');
    const account = accountWith({ missingParameters: denied, bootstrapVersion: denied, concurrency: denied });
    const options = { config: configOf(), file: 'my.yaml', qualifier: 'hnb659fds' };
    const { warnings } = await preflight({ ...options, context: withMail }, account);
    expect(warnings).toEqual([
      expect.stringMatching(/^not checked, what `cdk bootstrap` made: .*AccessDenied/),
      expect.stringMatching(/^not checked, whether all parameters are there: .*ssm:DescribeParameters/),
      expect.stringMatching(/^not checked, how many functions may run at once: /),
    ]);
  });

  it('does not count concurrency twice that the deployment has already reserved', async () => {
    const account = accountWith({ concurrency: async () => ({ all: 400, unreserved: 290 }) });
    const context = { publicConcurrency: '200' };
    expect((await problems(account, { context }))[1]).toMatch(/-c publicConcurrency=200: .*290 of 400 left/);
    const remembered = async () => ({ settings: { publicConcurrency: '110' }, bastions: [], bucket: 'b' });
    expect(await problems({ ...account, remembered }, { context: { ...context, confirm: 'fleet' } })).toEqual(
      [],
    );
  });

  it('requires the bootstrap version that the stacks require', () => {
    const [assertion] = Object.values(
      synthExample().data.toJSON().Rules.CheckBootstrapVersion.Assertions,
    ) as [{ Assert: { 'Fn::Not': [{ 'Fn::Contains': [string[], unknown] }] } }];
    const refused = assertion.Assert['Fn::Not'][0]['Fn::Contains'][0];
    expect(refused).toEqual(Array.from({ length: BOOTSTRAP_VERSION - 1 }, (_, i) => String(i + 1)));
    expect(resources(synthExample(), 'AWS::SQS::Queue').length).toBeGreaterThan(0);
  });
});

describe('Timestream', () => {
  it('that is closed to the account is an error that names the alternative', async () => {
    const timestream = timestreamAnswers(
      'AccessDeniedException',
      'Only existing Timestream for LiveAnalytics customers can access the service.',
    );
    const [, line, ...rest] = await problems(accountWith({ timestream }), { config: withStore(TIMESTREAM) });
    expect(line).toMatch(/takes no new customers since 2025-06-20; use a Prometheus-compatible server/);
    expect(rest).toEqual([]);
  });

  it('is accepted when the stacks create the table; a table of somebody else must exist', async () => {
    const timestream = timestreamAnswers('ResourceNotFoundException', 'no table');
    const account = accountWith({ timestream });
    expect(await problems(account, { config: withStore(TIMESTREAM) })).toEqual([]);
    const elsewhere = withStore(TIMESTREAM.replace(' }', ', endpoint: "http://timestream.example" }'));
    expect(await problems(account, { config: elsewhere })).toEqual([
      expect.anything(),
      '  Timestream bartizan.samples: no such database or table',
    ]);
  });

  it('that does not answer, or is in another region, is a problem', async () => {
    const timestream = timestreamAnswers('ENOTFOUND', 'getaddrinfo');
    const config = withStore(TIMESTREAM.replace(REGION, 'eu-west-1'));
    expect(await problems(accountWith({ timestream }), { config })).toEqual([
      'my.yaml is not deployed; 2 problems to solve first',
      '  store.region: `eu-west-1` is not the region of the deployment, ap-northeast-2; write that, or set AWS_REGION=eu-west-1',
      expect.stringMatching(
        / {2}store.type: Timestream in ap-northeast-2 does not answer .* write `prometheus`/,
      ),
    ]);
  });

  it('at an address that only functions can reach is not a problem', async () => {
    const config = withStore(TIMESTREAM.replace(' }', ', endpoint: "http://10.0.0.9" }'));
    const settings: Record<string, string> = {
      alarmEmail: 'ops@example.net',
      vpcId: 'vpc-11111111',
      privateSubnetIds: 'subnet-11111111',
      storeInVpc: 'true',
      egressPorts: '443',
    };
    const context = (name: string) => settings[name];
    const options = { config, file: 'my.yaml', qualifier: 'hnb659fds', context };
    const account = accountWith({ timestream: timestreamAnswers('ETIMEDOUT', 'connect') });
    expect((await preflight(options, account)).warnings).toEqual([
      'not checked, store.endpoint: http://10.0.0.9 does not answer from here',
    ]);
  });

  it('is not checked when the configuration does not use it', async () => {
    const timestream = async () => Promise.reject(new Error('asked'));
    expect(await problems(accountWith({ timestream }))).toEqual([]);
  });
});

describe('a workspace of Managed Prometheus', () => {
  const warningsOf = async (account: Account) => {
    const options = { config: configOf(), file: 'my.yaml', context: withMail, qualifier: 'hnb659fds' };
    return (await preflight(options, account)).warnings;
  };

  it.each([0, 60, 599])(
    'that takes samples %i s late is accepted, with the command that extends the limit',
    async (seconds) => {
      const [warning, ...rest] = await warningsOf(accountWith({ workspaceWindow: async () => seconds }));
      expect(warning).toBe(
        `store.url: the workspace takes samples that come ${seconds} s late, and could take 600; later samples are missing from its history. Run \`aws amp update-workspace-configuration --region ap-northeast-2 --workspace-id ws-00000000-0000-0000-0000-000000000000 --out-of-order-time-window-in-seconds 600\``,
      );
      expect(rest).toEqual([]);
    },
  );

  it.each([600, undefined])('that takes them %s s late needs no command', async (seconds) => {
    expect(await warningsOf(accountWith({ workspaceWindow: async () => seconds }))).toEqual([]);
  });

  it('that does not exist is a problem; one that may not be read, or does not answer, is a warning', async () => {
    const accountThatThrows = (error: Error) =>
      accountWith({ workspaceWindow: async () => Promise.reject(error) });
    expect(
      await problems(accountThatThrows(new ConfigError('workspace ws-1: there is no such workspace'))),
    ).toEqual([
      'my.yaml is not deployed; 1 problem to solve first',
      '  workspace ws-1: there is no such workspace',
    ]);
    const denied = awsError(Object.assign(new Error('no'), { name: 'AccessDeniedException' }), 'workspace');
    expect(await warningsOf(accountThatThrows(denied))).toEqual([
      expect.stringMatching(/^not checked, how late samples may come for the workspace: .*AccessDenied/),
    ]);
    expect(
      await warningsOf(accountThatThrows(new RetryableError('aps.example did not answer within 10 s'))),
    ).toEqual([
      'not checked, how late samples may come for the workspace: aps.example did not answer within 10 s',
    ]);
  });

  it('is not checked when another store is used', async () => {
    const workspaceWindow = async () => Promise.reject(new Error('asked'));
    expect(await problems(accountWith({ workspaceWindow }), { config: withStore(TIMESTREAM) })).toEqual([]);
  });
});

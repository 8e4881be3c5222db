import { describe, expect, it } from 'vitest';
import { awsError } from '../adapters/aws/errors.ts';
import { KINDS } from '../adapters/kinds.ts';
import { typedError } from '../adapters/stores/timestream/service-errors.ts';
import { parseConfig } from '../core/config/parse.ts';
import type { Config } from '../core/config/types.ts';
import { EXAMPLE, exampleText, resources, synthExample } from '../test/stacks/synth.ts';
import type { Account } from './account.ts';
import { BOOTSTRAP_VERSION, preflight } from './preflight.ts';
import { readSettings } from './settings.ts';

const REGION = 'ap-northeast-2';
const TIMESTREAM =
  'store: { type: timestream, database: bartizan, table: samples, region: ap-northeast-2 }\n';

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

/** Where all is as it should be, but for what is given. */
function accountWith(some: Partial<Account> = {}): Account {
  return {
    region: async () => REGION,
    identity: async () => '123456789012',
    bootstrapVersion: async () => 30,
    missingParameters: async () => [],
    timestream: async () => undefined,
    ...some,
  };
}

function failing(name: string, message: string): () => Promise<never> {
  return async () => {
    throw awsError(Object.assign(new Error(message), { name }), 'parameters');
  };
}

const timestreamSays = (name: string, message: string) => async () => {
  throw typedError(Object.assign(new Error(message), { name }), 'Timestream bartizan.samples');
};

async function problems(
  account: Account,
  { config = configOf(), context = {} as Record<string, string> } = {},
): Promise<string[]> {
  const settings = readSettings((name) => context[name]);
  const asked = preflight({ config, file: 'my.yaml', settings, qualifier: 'hnb659fds' }, account);
  const text = await asked.then(
    () => '',
    (error: Error) => error.message,
  );
  return text.split('\n').filter((line) => line !== '');
}

describe('preflight', () => {
  it('clears a configuration for an account where all is there', async () => {
    const asked: string[] = [];
    const account = accountWith({
      async missingParameters(names) {
        asked.push(...names);
        return [];
      },
    });
    const settings = readSettings((name) => (name === 'loginParameters' ? '/fleet/*' : undefined));
    const cleared = await preflight(
      { config: configOf(), file: 'my.yaml', settings, qualifier: 'hnb659fds' },
      account,
    );
    expect(cleared).toEqual({ account: '123456789012', region: REGION, warnings: [] });
    expect(asked).toEqual([
      '/bartizan/ssh-key',
      '/bartizan/on-call-url',
      '/bartizan/slack-token',
      '/fleet/*',
    ]);
  });

  it('tells everything at once, each with what to do', async () => {
    const account = accountWith({
      bootstrapVersion: async () => undefined,
      missingParameters: async () => ['/bartizan/ssh-key', '/fleet/*'],
    });
    const config = configOf(
      ['every: 1m', 'every: 90s'],
      ['sigv4: { region: ap-northeast-2 }', 'sigv4: { region: eu-west-1 }'],
    );
    expect(await problems(account, { config })).toEqual([
      'my.yaml is not deployed, 6 things to be done first',
      expect.stringMatching(/^ {2}checks usage: it runs every 90 s/),
      '  store.url: the workspace is in ap-northeast-2, and `sigv4.region` says `eu-west-1`',
      '  store.writeUrl: the workspace is in ap-northeast-2, and `sigv4.region` says `eu-west-1`',
      '  account 123456789012 is not prepared for CDK in ap-northeast-2: run `npx cdk bootstrap aws://123456789012/ap-northeast-2`, once',
      '  ${ssm:/bartizan/ssh-key}: there is no such parameter in ap-northeast-2; `aws ssm put-parameter --type SecureString --name /bartizan/ssh-key --value …`',
      '  -c loginParameters: there is no parameter under /fleet in ap-northeast-2',
    ]);
  });

  it.each<[what: string, account: Partial<Account>, said: RegExp]>([
    ['no region', { region: failing('Error', 'Region is missing') }, /no region is set; set AWS_REGION$/],
    [
      'no credentials',
      { identity: failing('CredentialsProviderError', 'Could not load credentials from any providers') },
      /CredentialsProviderError: Could not load .* \(check credentials and policy\)$/,
    ],
    [
      'credentials that ran out',
      { identity: failing('ExpiredTokenException', 'The security token is expired') },
      /ExpiredTokenException: .* \(check credentials and policy\)$/,
    ],
    [
      'what CDK prepared long ago',
      { bootstrapVersion: async () => BOOTSTRAP_VERSION - 1 },
      /of version 5, and 6 is needed: run `npx cdk bootstrap aws:/,
    ],
    [
      'a service that is out',
      { missingParameters: failing('InternalServerError', 'oops') },
      /InternalServerError/,
    ],
  ])('says what is wrong: %s', async (_, account, said) => {
    const [head, ...lines] = await problems(accountWith(account));
    expect(head).toBe('my.yaml is not deployed, 1 thing to be done first');
    expect(lines).toEqual([expect.stringMatching(said)]);
  });

  it('tells what is wrong with the configuration also where nobody is logged in', async () => {
    const account = accountWith({ identity: failing('CredentialsProviderError', 'none') });
    const config = configOf(['every: 1m', 'every: 90s']);
    expect(await problems(account, { config })).toHaveLength(3);
  });

  it('lets those deploy who may not look, and says what was not looked at', async () => {
    const denied = failing('AccessDeniedException', 'not authorized to perform: ssm:DescribeParameters');
    const account = accountWith({ missingParameters: denied, bootstrapVersion: denied });
    const options = { config: configOf(), file: 'my.yaml', qualifier: 'hnb659fds' };
    const { warnings } = await preflight({ ...options, settings: readSettings(() => undefined) }, account);
    expect(warnings).toEqual([
      expect.stringMatching(/^not checked, what `cdk bootstrap` made: .*AccessDenied/),
      expect.stringMatching(/^not checked, whether all parameters are there: .*ssm:DescribeParameters/),
    ]);
  });

  it('asks for the version that the stacks ask for', () => {
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
    const timestream = timestreamSays(
      'AccessDeniedException',
      'Only existing Timestream for LiveAnalytics customers can access the service.',
    );
    const [, line, ...rest] = await problems(accountWith({ timestream }), { config: withStore(TIMESTREAM) });
    expect(line).toMatch(/takes no new customers since 2025-06-20; use a Prometheus-compatible server/);
    expect(rest).toEqual([]);
  });

  it('whose table the stacks are to make is right; that of somebody else has to be there', async () => {
    const timestream = timestreamSays('ResourceNotFoundException', 'no table');
    const account = accountWith({ timestream });
    expect(await problems(account, { config: withStore(TIMESTREAM) })).toEqual([]);
    const elsewhere = withStore(TIMESTREAM.replace(' }', ', endpoint: "http://127.0.0.1:9" }'));
    expect(await problems(account, { config: elsewhere })).toEqual([
      expect.anything(),
      '  Timestream bartizan.samples: no such database or table',
    ]);
  });

  it('that does not answer, and one of another region', async () => {
    const timestream = timestreamSays('ENOTFOUND', 'getaddrinfo');
    const config = withStore(TIMESTREAM.replace(REGION, 'eu-west-1'));
    expect(await problems(accountWith({ timestream }), { config })).toEqual([
      'my.yaml is not deployed, 2 things to be done first',
      '  store.region: `eu-west-1` is not where it is deployed to, ap-northeast-2; write that, or set AWS_REGION=eu-west-1',
      expect.stringMatching(
        / {2}store.type: Timestream in ap-northeast-2 does not answer .* write `prometheus`/,
      ),
    ]);
  });

  it('at an address that only functions reach is not held up', async () => {
    const config = withStore(TIMESTREAM.replace(' }', ', endpoint: "http://10.0.0.9" }'));
    const options = {
      config,
      file: 'my.yaml',
      qualifier: 'hnb659fds',
      settings: readSettings(() => undefined),
    };
    const account = accountWith({ timestream: timestreamSays('ETIMEDOUT', 'connect') });
    expect((await preflight(options, account)).warnings).toEqual([
      'not checked, store.endpoint: http://10.0.0.9 does not answer from here',
    ]);
  });

  it('is not asked for where it is not used', async () => {
    const timestream = async () => Promise.reject(new Error('asked'));
    expect(await problems(accountWith({ timestream }))).toEqual([]);
  });
});

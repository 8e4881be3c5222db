// The functions of history: addresses, times and permissions.
import { describe, expect, it } from 'vitest';
import { always, PARAMETERS, reads, state, WORKSPACE } from './permission-lines.ts';
import { policyLines } from './policy-text.ts';
import { resources, synthExample } from './synth.ts';

const templates = synthExample();

const STAGES = ['Plan', 'Probe', 'Store', 'Evaluate', 'Notify', 'Deliver', 'History', 'HistoryIam'];

/** What both functions with queries do for those who may ask them. */
const history = [
  ...reads('public', 'settings', 'nodes'),
  's3:GetObject Files.Arn/charts/*',
  's3:GetObject Files.Arn/health.json',
  's3:GetObject Files.Arn/delivery.json',
  ...['BatchGetItem', 'Query'].map(
    (action) =>
      `dynamodb:${action} State.Arn if dynamodb:LeadingKeys = rules, alert#*, rule#*, part#rule#*, transition#*, part#transition#*, incident#*, part#incident#*, deliveries#*, part#deliveries#*, status#*, part#status#*`,
  ),
  'dynamodb:DeleteItem State.Arn if dynamodb:LeadingKeys = alert#*',
  'dynamodb:Query State.Arn/index/alert',
  'dynamodb:Query State.Arn/index/history',
  // Silences, and the audit of who changed them.
  ...state(' if dynamodb:LeadingKeys = silences, part#silences#*, audit'),
  's3:PutObject Files.Arn/audit/*',
  `aps:QueryMetrics ${WORKSPACE}`,
];

describe('each function of history has these permissions and no others', () => {
  it.each<[stage: string, allowed: string[]]>([
    [
      'History',
      [
        ...history,
        // Who asks, and when a token was used.
        ...state(' if dynamodb:LeadingKeys = tokens, part#tokens#*'),
      ],
    ],
    ['HistoryIam', history],
  ])('%s', (stage, allowed) => {
    expect(policyLines(templates, stage)).toEqual([...always(stage), ...allowed].sort());
  });
});

it('the public address asks for no signature, the other one does, and only the first is open to everybody', () => {
  const addresses = resources(templates, 'AWS::Lambda::Url').map(({ id, Properties }) => [
    id.replace(/Function.*/, ''),
    Properties.AuthType,
  ]);
  expect(addresses).toEqual([
    ['History', 'NONE'],
    ['HistoryIam', 'AWS_IAM'],
  ]);
  // AWS lets everybody call only what a policy of the function says.
  const everybody = resources(templates, 'AWS::Lambda::Permission').filter(
    ({ Properties }) => Properties.Principal === '*',
  );
  expect(everybody.length).toBeGreaterThan(0);
  for (const { Properties } of everybody)
    expect(JSON.stringify(Properties.FunctionName)).toMatch(/"HistoryFunction/);
});

it('History has the time of the longest query', () => {
  const slow = synthExample({
    edit: (config) => ({
      ...config,
      server: { ...config.server, history: { ...config.server.history, timeoutMs: 60_000 } },
    }),
  });
  const timeouts = (of: typeof templates) =>
    resources(of, 'AWS::Lambda::Function')
      .filter(({ id }) => id.startsWith('History'))
      .map(({ Properties }) => Properties.Timeout);
  expect(timeouts(templates)).toEqual([45, 45]);
  expect(timeouts(slow)).toEqual([75, 75]);
});

it('only the public function may read the secrets of logins, which the other one needs for nobody', () => {
  const issuer = 'https://login.example.net';
  const withLogins = synthExample({
    edit: (config) => ({
      ...config,
      server: {
        ...config.server,
        oidc: {
          ...{ issuer, clientId: 'bartizan', clientSecret: '${ssm:/bartizan/client:4}' },
          ...{ scopes: [], groupsClaim: 'groups', groups: [], sessionMs: 1 },
        },
      },
    }),
  });
  for (const stage of STAGES) {
    const may = policyLines(withLogins, stage).includes(`ssm:GetParameters ${PARAMETERS}/client`);
    expect([stage, may]).toEqual([stage, stage === 'History']);
  }
});

it('without queries there is one function of history, with what pictures and health need', () => {
  const closed = synthExample({
    edit: (config) => ({
      ...config,
      server: { ...config.server, history: { ...config.server.history, enabled: false } },
    }),
  });
  expect(policyLines(closed, 'HistoryIam')).toEqual([]);
  expect(policyLines(closed, 'History')).toEqual(
    [
      ...always('History'),
      ...reads('public'),
      ...['charts/*', 'health.json', 'delivery.json'].map((key) => `s3:GetObject Files.Arn/${key}`),
    ].sort(),
  );
  expect(resources(closed, 'AWS::Lambda::Url')).toHaveLength(1);
});

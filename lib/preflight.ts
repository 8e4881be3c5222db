// Finds, before a deployment begins, everything that would make it fail half-way or would not work afterwards.
import { deployProblems } from '../core/deployment/deploy-rules.ts';
import { parameterNames } from '../core/deployment/parameter-names.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Account } from './account.ts';
import { concurrencyFindings } from './concurrency.ts';
import { recordProblems } from './deployment-record.ts';
import { fleetNotes, fleetProblems } from './fleet-change.ts';
import { keptSettings, lastDeployment, networkProblems, settingNotes } from './last-deployment.ts';
import { checkNetworkAccess } from './network-access.ts';
import { tableProblems } from './restored-table.ts';
import { readName, readSettings, type Settings } from './settings.ts';
import {
  causeName,
  messageOf,
  regionProblems,
  timestreamProblems,
  windowProblems,
  workspaceProblems,
} from './store-preflight.ts';

/**
 * The version of the bootstrap stack that the stacks need; a test compares it with their templates
 * (https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html).
 */
export const BOOTSTRAP_VERSION = 6;

export interface PreflightOptions {
  config: Config;
  /** The path of the configuration, for messages. */
  file: string;
  /** The settings of the command line or cdk.json, by name. */
  context: (name: string) => unknown;
  /** The qualifier of CDK's own resources. */
  qualifier: string;
}

export interface Cleared {
  account: string;
  region: string;
  /** The checks that these credentials do not permit. */
  warnings: string[];
  settings: Settings;
  /** Settings besides those of the command line: kept from the last deployment, or found in the account. */
  added: Readonly<Record<string, string>>;
  /** Lines about kept and changed settings. */
  notes: string[];
}

interface Findings {
  problems: string[];
  warnings: string[];
}

/**
 * Checks the configuration and the account for its deployment.
 * @throws ConfigError with a line for each problem and an advice
 */
export async function preflight(options: PreflightOptions, account: Account): Promise<Cleared> {
  const { config, file, qualifier } = options;
  const own = [...deployProblems(config), ...workspaceProblems(config)];
  const { region, identity, problem } = await whereTo(account);
  if (problem !== undefined) throw problemsOf(file, [problem, ...own]);
  const found: Findings = {
    problems: [...regionProblems(config, region), ...own],
    warnings: [],
  };
  const warn = (text: string) => void found.warnings.push(text);
  const { settings, last, added, kept, ...settled } = await settle(options, account);
  found.problems.push(...settled.problems);
  found.warnings.push(...settled.warnings, ...settingWarnings(config, settings));
  const checks: readonly [what: string, check: () => Promise<string[]>][] = [
    ['what `cdk bootstrap` made', () => bootstrapProblems(qualifier, { region, identity }, account)],
    ['whether all parameters are there', () => parameterProblems({ config, settings }, region, account)],
    [
      'how many functions may run at once',
      () => concurrencyProblems(config, { settings, last, region, account, warn }),
    ],
    ['whether Timestream can be used', () => timestreamProblems(config, { region, account, warn })],
    ['how late samples may come for the workspace', () => windowProblems(config, { account, warn })],
  ];
  for (const [what, check] of checks) {
    try {
      found.problems.push(...(await check()));
    } catch (error) {
      // A user who deploys through the roles of CDK may lack these permissions.
      if (isDenied(error)) warn(`not checked, ${what}: ${messageOf(error)}`);
      else found.problems.push(messageOf(error));
    }
  }
  if (found.problems.length > 0) throw problemsOf(file, found.problems);
  const notes = [...settingNotes(last, kept, settings), ...fleetNotes(last, { config, file, settings })];
  return { account: identity, region, warnings: found.warnings, settings, added, notes };
}

/**
 * The settings, completed from the last deployment, and the problems that they would cause.
 * @throws ConfigError for an invalid one
 */
async function settle(options: PreflightOptions, account: Account) {
  const { config, file, context } = options;
  const problems: string[] = [];
  const last = await lastDeployment(readName(context), account).catch((error: unknown) => {
    problems.push(messageOf(error));
    return undefined;
  });
  const egress = await account.ownNetwork(readName(context)).catch((error: unknown) => {
    problems.push(messageOf(error));
    return undefined;
  });
  const kept = keptSettings(context, last);
  const table = String(context('stateTable') ?? kept.stateTable ?? '');
  const stream = table === '' || context('stateStream') ? undefined : await lookUpStream(table, account);
  problems.push(...(stream?.problems ?? []));
  const added: Record<string, string> = { ...kept, ...(stream && { stateStream: stream.arn }) };
  const settings = readSettings((name) => added[name] ?? context(name));
  const access = checkNetworkAccess(config, settings);
  problems.push(
    ...fleetProblems(last, { config, file, settings }),
    ...networkProblems(last, { context, settings, egress }),
    ...recordProblems(config, settings),
    ...access.problems,
  );
  return { warnings: access.warnings, settings, last, added, kept, problems };
}

async function lookUpStream(table: string, account: Account): Promise<{ arn: string; problems: string[] }> {
  // The problem is reported, so the name of the stream does not matter.
  const none = `arn:aws:dynamodb:::table/${table}/stream/none`;
  try {
    const facts = await account.stateTable(table);
    return { arn: facts?.stream ?? none, problems: tableProblems(table, facts) };
  } catch (error) {
    return { arn: none, problems: [messageOf(error)] };
  }
}

/** Checks that matter not to the deployment, but to its operator. */
function settingWarnings({ server, inventory }: Config, settings: Settings): string[] {
  return [
    // The alarms are in the account that they monitor: a suspended account, or a region that fails, sends none.
    ...(server.heartbeat === undefined
      ? ['server.heartbeat is not set: nobody would notice when the pipeline stops; docs/deploy.md, step 2']
      : []),
    ...(settings.alarmEmail.length === 0
      ? ['-c alarmEmail is not set: nobody gets alarms about the pipeline; docs/deploy.md, step 4']
      : []),
    ...(inventory.length > 0 && settings.loginParameters.length === 0
      ? [
          'inventory: functions may not read keys that only the inventory names; allow them with `-c loginParameters=/path/*`, docs/deploy.md, step 4',
        ]
      : []),
  ];
}

/** Without these nothing else can be checked. */
async function whereTo(
  account: Account,
): Promise<
  | { region: string; identity: string; problem?: undefined }
  | { region?: undefined; identity?: undefined; problem: string }
> {
  try {
    return { region: await account.region(), identity: await account.identity() };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

async function bootstrapProblems(
  qualifier: string,
  { region, identity }: { region: string; identity: string },
  account: Account,
): Promise<string[]> {
  const version = await account.bootstrapVersion(qualifier);
  const remedy = `run \`npx cdk bootstrap aws://${identity}/${region}\``;
  if (version === undefined)
    return [`account ${identity} is not prepared for CDK in ${region}: ${remedy}, once`];
  if (version >= BOOTSTRAP_VERSION) return [];
  return [
    `the bootstrap stack of CDK in ${region} has version ${version}, and version ${BOOTSTRAP_VERSION} is needed: ${remedy}`,
  ];
}

async function parameterProblems(
  { config, settings }: { config: Config; settings: Settings },
  region: string,
  account: Account,
): Promise<string[]> {
  const named = Object.values(parameterNames(config)).flat();
  const names = [...new Set([...named, ...settings.loginParameters])];
  return (await account.missingParameters(names)).map((name) =>
    name.endsWith('/*')
      ? `-c loginParameters: there is no parameter under ${name.slice(0, -2)} in ${region}`
      : `\${ssm:${name}}: there is no such parameter in ${region}; \`aws ssm put-parameter --type SecureString --name ${name} --value …\``,
  );
}

async function concurrencyProblems(
  config: Config,
  to: {
    settings: Settings;
    last: Awaited<ReturnType<typeof lastDeployment>>;
    region: string;
    account: Account;
    warn: (text: string) => void;
  },
): Promise<string[]> {
  const { settings, last, region } = to;
  const { all, unreserved } = await to.account.concurrency();
  // Concurrency that this deployment has already reserved does not count twice.
  const ours = Number(last?.remembered?.settings.publicConcurrency ?? 0);
  const limits = { all, unreserved: unreserved + ours };
  const { problems, warnings } = concurrencyFindings(limits, { config, settings, region });
  for (const text of warnings) to.warn(text);
  return problems;
}

function isDenied(error: unknown): boolean {
  // Timestream also gives this name to accounts that it refuses, which is not a matter of permissions.
  const isShutOut = error instanceof ConfigError && /new customers/.test(error.message);
  return !isShutOut && /^AccessDenied/.test(causeName(error));
}

function problemsOf(file: string, problems: readonly string[]): ConfigError {
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return new ConfigError(
    [`${file} is not deployed; ${count} to solve first`, ...problems.map((text) => `  ${text}`)].join('\n'),
  );
}

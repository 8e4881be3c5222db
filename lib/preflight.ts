// What would make a deployment fail half-way, or deploy what cannot work, told before it begins.
import { timestream } from '../adapters/stores/timestream/timestream.ts';
import type { Config } from '../core/config/types.ts';
import { ConfigError, describeError, RetryableError } from '../core/errors.ts';
import type { Account } from './account.ts';
import { parameterNames } from './references.ts';
import { deployProblems } from './requirements.ts';
import type { Settings } from './settings.ts';

/**
 * Version of what `cdk bootstrap` makes that the stacks ask for; a test holds it to their templates
 * (https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html).
 */
export const BOOTSTRAP_VERSION = 6;

export interface PreflightOptions {
  config: Config;
  /** Where it was read from, for messages. */
  file: string;
  settings: Settings;
  /** Of CDK's own resources. */
  qualifier: string;
}

export interface Cleared {
  account: string;
  region: string;
  /** What could not be found out with these credentials. */
  warnings: string[];
}

interface Findings {
  problems: string[];
  warnings: string[];
}

/**
 * Looks at the configuration and at the account that it is to be deployed to.
 * @throws ConfigError with a line for each thing that is wrong, saying what to do
 */
export async function preflight(options: PreflightOptions, account: Account): Promise<Cleared> {
  const { config, file, qualifier } = options;
  const own = [...deployProblems(config), ...workspaceProblems(config)];
  const { region, identity, problem } = await whereTo(account);
  if (problem !== undefined) throw problemsOf(file, [problem, ...own]);
  const found: Findings = { problems: [...regionProblems(config, region), ...own], warnings: [] };
  const warn = (text: string) => void found.warnings.push(text);
  const checks: readonly [what: string, check: () => Promise<string[]>][] = [
    ['what `cdk bootstrap` made', () => bootstrapProblems(qualifier, { region, identity }, account)],
    ['whether all parameters are there', () => parameterProblems(options, region, account)],
    ['whether Timestream can be used', () => timestreamProblems(config, { region, account, warn })],
  ];
  for (const [what, check] of checks) {
    try {
      found.problems.push(...(await check()));
    } catch (error) {
      // Who deploys through the roles of CDK need not be allowed to look.
      if (isDenied(error)) warn(`not checked, ${what}: ${said(error)}`);
      else found.problems.push(said(error));
    }
  }
  if (found.problems.length > 0) throw problemsOf(file, found.problems);
  return { account: identity, region, warnings: found.warnings };
}

/** Without these nothing else can be asked. */
async function whereTo(
  account: Account,
): Promise<
  | { region: string; identity: string; problem?: undefined }
  | { region?: undefined; identity?: undefined; problem: string }
> {
  try {
    return { region: await account.region(), identity: await account.identity() };
  } catch (error) {
    return { problem: said(error) };
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
    `what CDK prepared in ${region} is of version ${version}, and ${BOOTSTRAP_VERSION} is needed: ${remedy}`,
  ];
}

async function parameterProblems(
  { config, settings }: PreflightOptions,
  region: string,
  account: Account,
): Promise<string[]> {
  const { logins, store, channels, heartbeat } = parameterNames(config);
  const names = [...new Set([...logins, ...store, ...channels, ...heartbeat, ...settings.loginParameters])];
  return (await account.missingParameters(names)).map((name) =>
    name.endsWith('/*')
      ? `-c loginParameters: there is no parameter under ${name.slice(0, -2)} in ${region}`
      : `\${ssm:${name}}: there is no such parameter in ${region}; \`aws ssm put-parameter --type SecureString --name ${name} --value …\``,
  );
}

async function timestreamProblems(
  { store }: Config,
  { region, account, warn }: { region: string; account: Account; warn: (text: string) => void },
): Promise<string[]> {
  if (store.type !== 'timestream') return [];
  const options = timestream.options.parse(store.options);
  try {
    await account.timestream(options);
  } catch (error) {
    // The stacks make it, where no address says that it is somebody else's.
    const isMissing = causeName(error) === 'ResourceNotFoundException';
    if (isMissing && options.endpoint === undefined) return [];
    if (!(error instanceof RetryableError)) throw error;
    if (options.endpoint !== undefined) {
      // That of a VPC answers functions, and nobody here.
      warn(`not checked, store.endpoint: ${options.endpoint} does not answer from here`);
      return [];
    }
    return [
      `store.type: Timestream in ${region} does not answer (${said(error)}); where there is none, write \`prometheus\``,
    ];
  }
  return [];
}

/** Its table is made in the region of the stacks, and functions may use that alone. */
function regionProblems({ store }: Config, region: string): string[] {
  const { region: stores, endpoint } = store.options as { region?: string; endpoint?: string };
  if (store.type !== 'timestream' || endpoint !== undefined || stores === region) return [];
  return [
    `store.region: \`${stores}\` is not where it is deployed to, ${region}; write that, or set AWS_REGION=${stores}`,
  ];
}

/** A request that is signed for another region is refused by the workspace. */
function workspaceProblems({ store }: Config): string[] {
  const { sigv4, ...addresses } = store.options as {
    sigv4?: { region: string };
    url?: string;
    writeUrl?: string;
  };
  if (store.type !== 'prometheus' || sigv4 === undefined) return [];
  return (['url', 'writeUrl'] as const).flatMap((field) => {
    const region = /^https:\/\/aps-workspaces\.([a-z0-9-]+)\.amazonaws\./.exec(addresses[field] ?? '')?.[1];
    if (region === undefined || region === sigv4.region) return [];
    return [`store.${field}: the workspace is in ${region}, and \`sigv4.region\` says \`${sigv4.region}\``];
  });
}

function isDenied(error: unknown): boolean {
  // That of Timestream to accounts that are shut out is named so too, and is no question of rights.
  const isShutOut = error instanceof ConfigError && /new customers/.test(error.message);
  return !isShutOut && /^AccessDenied/.test(causeName(error));
}

/** Typed errors take the words of their cause along. */
function said(error: unknown): string {
  return error instanceof Error ? error.message : describeError(error);
}

function causeName(error: unknown): string {
  return ((error as Error).cause as Error | undefined)?.name ?? '';
}

function problemsOf(file: string, problems: readonly string[]): ConfigError {
  const count = `${problems.length} ${problems.length === 1 ? 'thing' : 'things'}`;
  return new ConfigError(
    [`${file} is not deployed, ${count} to be done first`, ...problems.map((text) => `  ${text}`)].join('\n'),
  );
}

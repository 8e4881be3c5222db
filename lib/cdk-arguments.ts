import { parseArgs } from 'node:util';
import { ConfigError } from '../core/errors.ts';
import { requireKnown } from './known-settings.ts';

/** The arguments of CDK's command line that we need too. */
export interface CdkArguments {
  /** By name, from `-c name=value`, otherwise from cdk.json. */
  context(name: string): unknown;
  profile: string | undefined;
  /** The configuration file. */
  file: string;
  qualifier: string;
  /** The argument with which CDK deploys nothing although it succeeds; undefined when it deploys. */
  idle: string | undefined;
}

/** https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html */
const QUALIFIER = { name: '@aws-cdk/core:bootstrapQualifier', otherwise: 'hnb659fds' };

/** @param json text of cdk.json @throws ConfigError when no configuration is named, and for an unknown setting */
export function readCdkArguments(args: readonly string[], json: string): CdkArguments {
  const { values } = parseArgs({
    args: [...args],
    // All other arguments are only for CDK.
    strict: false,
    options: {
      context: { type: 'string', short: 'c', multiple: true },
      profile: { type: 'string' },
      method: { type: 'string', short: 'm' },
    },
  });
  const given = new Map<string, unknown>(
    Object.entries((JSON.parse(json) as { context?: object }).context ?? {}),
  );
  const written = (values.context ?? []).map(String).filter((text) => text.indexOf('=') > 0);
  requireKnown(written.map((text) => text.slice(0, text.indexOf('='))));
  for (const text of written) {
    const at = text.indexOf('=');
    given.set(text.slice(0, at), text.slice(at + 1));
  }
  const context = (name: string) => given.get(name);
  const file = context('config');
  if (typeof file !== 'string' || file === '')
    throw new ConfigError('no configuration: `npm run deploy -- -c config=bartizan.yaml`');
  return {
    context,
    profile: typeof values.profile === 'string' ? values.profile : undefined,
    file,
    qualifier: String(context(QUALIFIER.name) ?? QUALIFIER.otherwise),
    idle: idleArgument(args, values.method),
  };
}

/** Options with which `cdk deploy` only makes change sets, or prints a text (`cdk deploy --help`). */
function idleArgument(args: readonly string[], method: unknown): string | undefined {
  if (method === 'prepare-change-set') return `--method ${method}`;
  const joined = args.map((arg, i) => (arg === '--execute' ? `${arg}=${args[i + 1]}` : arg));
  return joined.find((arg) => /^(--no-execute|--execute=false|--help|-h|--version)$/.test(arg));
}

/** The context as arguments of CDK. */
export function contextArguments(context: Readonly<Record<string, string>>): string[] {
  return Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

import { parseArgs } from 'node:util';
import { ConfigError } from '../core/errors.ts';
import { requireKnown } from './known-settings.ts';

/** Arguments of CDK's command line that we need, too. */
export interface CdkArguments {
  /** By name, `-c name=value`, else of cdk.json. */
  context(name: string): unknown;
  profile: string | undefined;
  /** The configuration file. */
  file: string;
  qualifier: string;
  /** The argument by which CDK deploys nothing, though it ends well; undefined where it deploys. */
  idle: string | undefined;
}

/** https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html */
const QUALIFIER = { name: '@aws-cdk/core:bootstrapQualifier', otherwise: 'hnb659fds' };

/**
 * @param json text of cdk.json
 * @throws ConfigError where no configuration is named, and for a setting that there is not
 */
export function readCdkArguments(args: readonly string[], json: string): CdkArguments {
  const { values } = parseArgs({
    args: [...args],
    // Everything else is CDK's own business.
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

/** Options that only make change sets, or print a text instead of deploying (`cdk deploy --help`). */
function idleArgument(args: readonly string[], method: unknown): string | undefined {
  if (method === 'prepare-change-set') return `--method ${method}`;
  const joined = args.map((arg, i) => (arg === '--execute' ? `${arg}=${args[i + 1]}` : arg));
  return joined.find((arg) => /^(--no-execute|--execute=false|--help|-h|--version)$/.test(arg));
}

/** Context as arguments of CDK. */
export function contextArguments(context: Readonly<Record<string, string>>): string[] {
  return Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

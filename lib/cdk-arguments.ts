import { parseArgs } from 'node:util';
import { ConfigError } from '../core/errors.ts';

/** What the command line of CDK says that concerns more than CDK. */
export interface CdkArguments {
  /** By name, `-c name=value`, else of cdk.json. */
  context(name: string): unknown;
  profile: string | undefined;
  /** Of the configuration. */
  file: string;
  qualifier: string;
}

/** https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html */
const QUALIFIER = { name: '@aws-cdk/core:bootstrapQualifier', otherwise: 'hnb659fds' };

/**
 * @param json text of cdk.json
 * @throws ConfigError where no configuration is named
 */
export function readCdkArguments(args: readonly string[], json: string): CdkArguments {
  const { values } = parseArgs({
    args: [...args],
    // Everything else is CDK's own business.
    strict: false,
    options: { context: { type: 'string', short: 'c', multiple: true }, profile: { type: 'string' } },
  });
  const given = new Map<string, unknown>(
    Object.entries((JSON.parse(json) as { context?: object }).context ?? {}),
  );
  for (const text of (values.context ?? []).map(String)) {
    const at = text.indexOf('=');
    if (at > 0) given.set(text.slice(0, at), text.slice(at + 1));
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
  };
}

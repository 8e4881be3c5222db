import { CONFIG_KEY } from '../adapters/aws/deployment.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import type { Account } from './account.ts';
import { isDeployed } from './deployment-record.ts';
import type { Settings } from './settings.ts';

export interface Upload {
  config: Config;
  /** As it was read, and where from. */
  text: string;
  file: string;
  settings: Settings;
  /** The argument by which CDK deployed nothing. */
  idle: string | undefined;
}

/**
 * Puts the configuration into the bucket once the stacks are there that were made from it: before, it would name bastions
 * without a queue, and parameters that no function may read yet. Returns a sentence about what it did.
 * @throws ConfigError that says what to do, where the stacks are deployed and the configuration is not in force
 */
export async function uploadConfig(
  { config, text, file, settings, idle }: Upload,
  account: Pick<Account, 'remembered' | 'upload'>,
): Promise<string> {
  if (!settings.uploadConfig) return `${file} is not uploaded: \`-c uploadConfig=false\``;
  if (idle !== undefined) return `${file} is not uploaded: with \`${idle}\` nothing is deployed`;
  try {
    const there = await account.remembered(settings.name);
    if (there === undefined || !isDeployed(there, config, settings))
      throw new ConfigError('what is deployed was not made from it and from these settings; deploy it');
    await account.upload(there.bucket, CONFIG_KEY, text);
    return `${file} is uploaded to s3://${there.bucket}/${CONFIG_KEY}, and in force with the next round`;
  } catch (cause) {
    throw new ConfigError(
      `the stacks are deployed, but ${file} is not uploaded: the configuration of before stays in force. ` +
        `Where it belongs is the output ConfigAddress: \`aws s3 cp ${file} s3://…\``,
      { cause },
    );
  }
}

import { CONFIG_KEY, SIGNATURES_KEY } from '../adapters/aws/deployment.ts';
import { loadSignatures, signatureFile } from '../adapters/signatures/signature-source.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { signaturesText } from '../core/signatures/signature-file.ts';
import type { Account } from './account.ts';
import { isDeployed } from './deployment-record.ts';
import type { Settings } from './settings.ts';

export interface Upload {
  config: Config;
  /** The text and the path of the configuration. */
  text: string;
  file: string;
  /** The text of its `signatures.file`. */
  signatures?: string | undefined;
  settings: Settings;
  /** The argument with which CDK deployed nothing. */
  idle: string | undefined;
}

/** The text of its file of signatures, read before anything is deployed. @throws ConfigError */
export async function signaturesOf({ signatures }: Config): Promise<string | undefined> {
  return signatures && signaturesText(await loadSignatures(signatureFile(signatures.file)));
}

/**
 * Uploads the configuration to the bucket when the stacks that were made from it exist. Earlier it would name bastions
 * without a queue, and parameters that no function may read yet. Returns a sentence about the result.
 * @throws ConfigError with an advice, when the stacks are deployed and the configuration is not active
 */
export async function uploadConfig(
  { config, text, file, signatures, settings, idle }: Upload,
  account: Pick<Account, 'remembered' | 'upload'>,
): Promise<string> {
  if (!settings.uploadConfig) return `${file} is not uploaded: \`-c uploadConfig=false\``;
  if (idle !== undefined) return `${file} is not uploaded: with \`${idle}\` nothing is deployed`;
  try {
    const there = await account.remembered(settings.name);
    if (there === undefined || !isDeployed(there, config, settings))
      throw new ConfigError('the deployment was not made from it with these settings; deploy it');
    // First, so that no round has the new scripts and old signatures.
    if (signatures !== undefined) await account.upload(there.bucket, SIGNATURES_KEY, signatures);
    await account.upload(there.bucket, CONFIG_KEY, text);
    return `${file} is uploaded to s3://${there.bucket}/${CONFIG_KEY}, and active from the next round on`;
  } catch (cause) {
    throw new ConfigError(
      `the stacks are deployed, but ${file} is not uploaded: the former configuration stays active. ` +
        `The output ConfigAddress has its address: \`aws s3 cp ${file} s3://…\``,
      { cause },
    );
  }
}

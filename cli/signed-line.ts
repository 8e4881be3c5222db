import { loadSignatures, signatureFile } from '../adapters/signatures/signature-source.ts';
import { readSigners } from '../adapters/signatures/signer-keys.ts';
import { fingerprintOfLine, signerOf } from '../adapters/signatures/sshsig.ts';
import type { SignedLine } from '../adapters/ssh/signed-key-line.ts';
import { ConfigError } from '../core/errors.ts';
import type { Config } from '../core/model/config.ts';
import { lowestVersion } from '../core/signatures/signature-file.ts';

export type SignersOfLine = Omit<SignedLine, 'forwards'>;

/**
 * What the lines of nodes have for `keys --signed FILE`: they accept all that is signed now, and later versions.
 * @throws ConfigError when nodes would refuse some of it
 */
export async function signedLine(config: Config, file: string): Promise<SignersOfLine> {
  const signers = await readSigners(file);
  if (!config.signatures)
    throw new ConfigError(
      'the configuration has no `signatures`: sign first (`bartizan catalogue sign`), as the line needs the lowest version',
    );
  const signatures = await loadSignatures(signatureFile(config.signatures.file));
  const lowest = lowestVersion(signatures);
  if (lowest === undefined) throw new ConfigError(`${config.signatures.file}: it has no signature`);
  for (const { name, signature } of signatures.values()) {
    const signer = signerOf(signature);
    if (signer === undefined || !signers.includes(signer))
      throw new ConfigError(
        `${config.signatures.file}: ${name} is signed by ${fingerprintOfLine(signer ?? '')}, which ${file} does not have`,
      );
  }
  return { signers, lowestVersion: lowest };
}

import { readFile } from 'node:fs/promises';
import { ConfigError, describeError } from '../../core/errors.ts';

/** Every line of a node has all of them. */
const MOST_SIGNERS = 8;
/** OpenSSH verifies signatures of these; DSA it does not. */
const TYPES =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/** The public keys (`type base64`) of a `.pub` file, which may have several lines. @throws ConfigError */
export async function readSigners(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${file}: ${describeError(cause)}`, { cause });
  }
  if (text.includes('PRIVATE KEY'))
    throw new ConfigError(`${file}: this is a private key; the lines of nodes need the public one (.pub)`);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const keys = lines.map((line, i) => {
    const [type = '', base64 = ''] = line.trim().split(/\s+/);
    const bytes = Buffer.from(base64, 'base64');
    const inside = bytes.subarray(4, 4 + type.length).toString('latin1');
    if (!TYPES.test(type) || inside !== type || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
      throw new ConfigError(
        `${file}, line ${i + 1}: this is no public key that can sign (\`ssh-ed25519 AAAA…\`)`,
      );
    return `${type} ${base64}`;
  });
  const different = [...new Set(keys)];
  if (different.length === 0) throw new ConfigError(`${file}: it has no public key`);
  if (different.length > MOST_SIGNERS)
    throw new ConfigError(`${file}: it has ${different.length} keys; a line has room for ${MOST_SIGNERS}`);
  return different;
}

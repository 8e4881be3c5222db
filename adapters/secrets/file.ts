import { resolvePath } from '../../core/config/file-path.ts';
import { ConfigError } from '../../core/errors.ts';
import { isPrivateKey, type KeyFileAccess } from '../files/key-file.ts';
import type { SecretContext, SecretSource } from './source.ts';

/** Keys and tokens are smaller; a larger file is the wrong one. */
export const MAX_CHARACTERS = 65_536;
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
  EPIPE: 'it is a pipe, and a secret is read again at each use',
};

type FileContext = Pick<SecretContext, 'readFile' | 'checkKeyFile'>;

/** `${file:path}`: the content of a file. */
export function createFileSource(context: Omit<SecretContext, 'env'>): SecretSource {
  return {
    read(name) {
      const path = resolvePath(name, context);
      return readSecretFile(path, { at: `\${file:${name}}${path === name ? '' : ` (${path})`}`, ...context });
    },
  };
}

/**
 * Drops the line break that editors append to a token, but keeps that of a PEM key, which some parsers need. Refuses a private
 * key that others may read, as ssh does. @throws ConfigError that begins with `at`
 */
export async function readSecretFile(
  path: string,
  { at, readFile, checkKeyFile }: FileContext & { at: string },
): Promise<string> {
  let content: string;
  let access: KeyFileAccess;
  try {
    content = await readFile(path);
    access = isPrivateKey(content) ? await checkKeyFile(path) : undefined;
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw new ConfigError(`${at}: ${REASONS[code ?? ''] ?? 'it cannot be read'}`, { cause });
  }
  if (content.trim() === '') throw new ConfigError(`${at}: the file is empty`);
  if (content.length > MAX_CHARACTERS) throw new ConfigError(`${at}: the file is too large for a secret`);
  if (access?.problem === 'others')
    throw new ConfigError(
      `${at}: others than its owner may use this private key (mode ${access.mode}); ${access.advice}`,
    );
  return content.includes('-----BEGIN ') ? content : content.replace(/(\r?\n)+$/, '');
}

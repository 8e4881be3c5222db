import { resolvePath } from '../../core/config/file-path.ts';
import { ConfigError } from '../../core/errors.ts';
import { isPrivateKey, type KeyFileAccess } from '../files/key-file.ts';
import type { SecretContext, SecretSource } from './source.ts';

/** Keys and tokens are smaller; a larger file is the wrong one. */
const MAX_CHARACTERS = 65_536;
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

/**
 * `${file:path}`: the content of a file. Drops the line break that editors append to a token, but keeps that of a PEM key,
 * which some parsers need. Refuses a private key that others may read, as ssh does.
 */
export function createFileSource(context: Omit<SecretContext, 'env'>): SecretSource {
  return {
    async read(name) {
      const path = resolvePath(name, context);
      const at = `\${file:${name}}${path === name ? '' : ` (${path})`}`;
      let content: string;
      let access: KeyFileAccess;
      try {
        content = await context.readFile(path);
        access = isPrivateKey(content) ? await context.checkKeyFile(path) : undefined;
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
    },
  };
}

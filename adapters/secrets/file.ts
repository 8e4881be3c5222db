import { resolvePath } from '../../core/config/file-path.ts';
import { ConfigError } from '../../core/errors.ts';
import type { SecretSource, SecretWorld } from './source.ts';

/** A key or token is smaller; what is larger is the wrong file. */
const MAX_CHARACTERS = 65_536;
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'we may not read it',
  EISDIR: 'it is a folder',
};

/**
 * `${file:path}`: the content of a file. The line break that editors leave at the end of a token is dropped; a key
 * in PEM keeps it, as some parsers want it.
 */
export function createFileSource(world: Omit<SecretWorld, 'env'>): SecretSource {
  return {
    async read(name) {
      const path = resolvePath(name, world);
      const at = `\${file:${name}}${path === name ? '' : ` (${path})`}`;
      let content: string;
      try {
        content = await world.readFile(path);
      } catch (cause) {
        const { code } = cause as { code?: string };
        throw new ConfigError(`${at}: ${REASONS[code ?? ''] ?? 'it cannot be read'}`, { cause });
      }
      if (content.trim() === '') throw new ConfigError(`${at}: the file is empty`);
      if (content.length > MAX_CHARACTERS) throw new ConfigError(`${at}: the file is too large for a secret`);
      return content.includes('-----BEGIN ') ? content : content.replace(/(\r?\n)+$/, '');
    },
  };
}

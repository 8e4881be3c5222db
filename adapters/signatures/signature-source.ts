import { open, stat } from 'node:fs/promises';
import { ConfigError, describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/ports.ts';
import { LARGEST_FILE_BYTES, readSignatures, type Signatures } from '../../core/signatures/signature-file.ts';

/** Where signatures come from; undefined while the content still has the version `unless`. */
export interface SignatureSource {
  /** For messages. */
  name: string;
  /** @throws errors that say why there is none */
  load(unless: string | undefined): Promise<{ text: string; version: string } | undefined>;
}

export function signatureFile(path: string): SignatureSource {
  return {
    name: path,
    async load(unless) {
      // Opening a named pipe would block.
      const stats = await stat(path, { bigint: true });
      if (!stats.isFile()) throw new ConfigError(`${path}: it is not a regular file`);
      if (stats.size > LARGEST_FILE_BYTES) throw new ConfigError(`${path}: it is too large`);
      const version = [stats.ino, stats.mtimeNs, stats.ctimeNs, stats.size].join(':');
      if (version === unless) return undefined;
      const file = await open(path, 'r');
      try {
        return { text: await file.readFile('utf8'), version };
      } finally {
        await file.close();
      }
    },
  };
}

/** The signatures of a file, once. @throws ConfigError that names it */
export async function loadSignatures(source: SignatureSource): Promise<Signatures> {
  try {
    const found = await source.load(undefined);
    if (!found) throw new ConfigError(`${source.name}: it has no content`);
    return readSignatures(found.text, source.name);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new ConfigError(`${source.name}: there is no such file; \`bartizan catalogue sign\` writes it`);
    throw new ConfigError(`${source.name}: it cannot be read`, { cause });
  }
}

/**
 * Reads the signatures anew when they have changed. While they cannot be read, the last ones stay, and each batch logs why:
 * nodes that verify signatures refuse what has none, so their checks fail and say so.
 */
export function watchSignatures(
  source: SignatureSource | undefined,
  logger: Logger,
): () => Promise<Signatures | undefined> {
  let last: { signatures: Signatures; version: string } | undefined;
  return async () => {
    if (!source) return undefined;
    try {
      const found = await source.load(last?.version);
      if (found) last = { signatures: readSignatures(found.text, source.name), version: found.version };
    } catch (error) {
      logger.error('the signatures of scripts cannot be read; the last ones stay', {
        file: source.name,
        error: describeError(error),
      });
    }
    // Also without any: nodes then get the bare scripts.
    return last?.signatures;
  };
}

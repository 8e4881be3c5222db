import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { findReferences, isReferenceKind } from '../../core/config/secret-text.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Secrets } from '../../core/ports.ts';
import { checkKeyFile } from '../files/key-file.ts';
import { MAX_CHARACTERS } from './file.ts';
import { createRedactor } from './redact.ts';
import { SECRET_SOURCES } from './registry.ts';
import type { SecretContext, SecretSource } from './source.ts';

/**
 * Resolves references at each use, so that a rotated key needs no restart; values that cost a call are cached for minutes.
 * Every value that was resolved once is redacted from then on.
 */
export function createSecrets(options: Partial<SecretContext> & Pick<SecretContext, 'baseDir'>): Secrets {
  const context: SecretContext = {
    env: process.env,
    readFile: readStart,
    checkKeyFile: (path) => checkKeyFile(path, context.env.CREDENTIALS_DIRECTORY),
    home: homedir(),
    aws: {},
    nowMs: Date.now,
    ...options,
  };
  const sources = new Map(Object.entries(SECRET_SOURCES).map(([kind, create]) => [kind, create(context)]));
  const redactor = createRedactor();

  async function replaceReferences(
    text: string,
    read: (source: SecretSource, name: string) => Promise<string>,
  ): Promise<string> {
    let resolved = '';
    let end = 0;
    for (const { kind, name, text: reference, index } of findReferences(text)) {
      const source = isReferenceKind(kind) ? sources.get(kind) : undefined;
      if (!source)
        throw new ConfigError(`${reference}: the kind of a reference is ${[...sources.keys()].join(' or ')}`);
      const value = await read(source, name);
      redactor.add(value);
      resolved += text.slice(end, index) + value;
      end = index + reference.length;
    }
    return resolved + text.slice(end);
  }

  return {
    resolve: (text) => replaceReferences(text, (source, name) => source.read(name)),
    renew: (text) => replaceReferences(text, (source, name) => (source.renew ?? source.read)(name)),
    redact: redactor.redact,
    hide: redactor.add,
    forget() {
      for (const source of sources.values()) source.forget?.();
    },
  };
}

/** No more of a file than shows that it is too large: a path may lead to a device that never ends. */
async function readStart(path: string): Promise<string> {
  // To open a pipe would otherwise wait for a writer, without an end.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFIFO()) throw Object.assign(new Error('a pipe'), { code: 'EPIPE' });
  const bytes = Buffer.alloc(4 * MAX_CHARACTERS + 4);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.toString('utf8', 0, length);
}

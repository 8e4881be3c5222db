import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { findReferences, isReferenceKind } from '../../core/config/secret-text.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Secrets } from '../../core/ports.ts';
import { createRedactor } from './redact.ts';
import { SECRET_SOURCES } from './registry.ts';
import type { SecretWorld } from './source.ts';

/**
 * Resolves references when they are used: a rotated key is seen without a restart, at once or within minutes where
 * asking costs a call. Values resolved once are redacted for good.
 */
export function createSecrets(options: Partial<SecretWorld> & Pick<SecretWorld, 'baseDir'>): Secrets {
  const world: SecretWorld = {
    env: process.env,
    readFile: (path) => readFile(path, 'utf8'),
    home: homedir(),
    aws: {},
    nowMs: Date.now,
    ...options,
  };
  const sources = new Map(Object.entries(SECRET_SOURCES).map(([kind, create]) => [kind, create(world)]));
  const redactor = createRedactor();
  return {
    async resolve(text) {
      let resolved = '';
      let end = 0;
      for (const { kind, name, text: reference, index } of findReferences(text)) {
        const source = isReferenceKind(kind) ? sources.get(kind) : undefined;
        if (!source)
          throw new ConfigError(`${reference}: references are of kind ${[...sources.keys()].join(' or ')}`);
        const value = await source.read(name);
        redactor.add(value);
        resolved += text.slice(end, index) + value;
        end = index + reference.length;
      }
      return resolved + text.slice(end);
    },
    redact: redactor.redact,
    hide: redactor.add,
    forget() {
      for (const source of sources.values()) source.forget?.();
    },
  };
}

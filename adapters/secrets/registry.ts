import type { ReferenceKind } from '../../core/config/secret-text.ts';
import { createEnvSource } from './env.ts';
import { createFileSource } from './file.ts';
import type { SecretSource, SecretWorld } from './source.ts';
import { createSsmSource } from './ssm.ts';

/** One line a kind of reference. */
export const SECRET_SOURCES: Readonly<Record<ReferenceKind, (world: SecretWorld) => SecretSource>> = {
  env: createEnvSource,
  file: createFileSource,
  ssm: createSsmSource,
};

import type { ReferenceKind } from '../../core/config/secret-text.ts';
import { createCredentialSource } from './credential.ts';
import { createEnvSource } from './env.ts';
import { createFileSource } from './file.ts';
import type { SecretContext, SecretSource } from './source.ts';
import { createSsmSource } from './ssm.ts';

/** One line for each kind of reference. */
export const SECRET_SOURCES: Readonly<Record<ReferenceKind, (context: SecretContext) => SecretSource>> = {
  env: createEnvSource,
  file: createFileSource,
  credential: createCredentialSource,
  ssm: createSsmSource,
};

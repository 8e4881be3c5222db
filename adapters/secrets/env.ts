import { ConfigError } from '../../core/errors.ts';
import type { SecretContext, SecretSource } from './source.ts';

/** `${env:NAME}`: a variable of the environment, unchanged. */
export function createEnvSource({ env }: Pick<SecretContext, 'env'>): SecretSource {
  return {
    async read(name) {
      const value = env[name];
      if (value === undefined) throw new ConfigError(`\${env:${name}}: the variable is not set`);
      if (value === '') throw new ConfigError(`\${env:${name}}: the variable is empty`);
      return value;
    },
  };
}

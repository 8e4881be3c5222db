import { ConfigError } from '../../core/errors.ts';
import type { SecretSource, SecretWorld } from './source.ts';

/** `${env:NAME}`: a variable of our environment, as it is. */
export function createEnvSource({ env }: Pick<SecretWorld, 'env'>): SecretSource {
  return {
    async read(name) {
      const value = env[name];
      if (value === undefined) throw new ConfigError(`\${env:${name}}: the variable is not set`);
      if (value === '') throw new ConfigError(`\${env:${name}}: the variable is empty`);
      return value;
    },
  };
}

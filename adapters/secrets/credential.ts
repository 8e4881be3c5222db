import { join } from 'node:path';
import { ConfigError } from '../../core/errors.ts';
import { readSecretFile } from './file.ts';
import type { SecretContext, SecretSource } from './source.ts';

/**
 * `${credential:NAME}`: a credential that the service manager passes to the service: the file of that name in
 * $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential). It is read as `${file:…}` is.
 */
export function createCredentialSource(context: SecretContext): SecretSource {
  return {
    async read(name) {
      const { CREDENTIALS_DIRECTORY: folder } = context.env;
      if (!folder) {
        throw new ConfigError(
          `\${credential:${name}}: the variable CREDENTIALS_DIRECTORY is not set; systemd sets it for a service that has \`LoadCredential=${name}:FILE\``,
        );
      }
      const path = join(folder, name);
      return readSecretFile(path, { at: `\${credential:${name}} (${path})`, ...context });
    },
  };
}

import type { AwsClient } from '../aws/client.ts';
import type { KeyFileAccess } from '../files/key-file.ts';

/** What secret sources need; `secrets.ts` has the production defaults. */
export interface SecretContext {
  env: Readonly<Record<string, string | undefined>>;
  /** @throws an error with `code` as node:fs does */
  readFile: (path: string) => Promise<string>;
  /** Finds out who else may read a key's file. @throws errors of the system */
  checkKeyFile: (path: string) => Promise<KeyFileAccess>;
  /** The folder that `~` means. */
  home: string;
  /** Absolute folder of the configuration: relative paths start there. */
  baseDir: string;
  /** Settings of AWS clients; empty: those of the process. */
  aws: AwsClient;
  nowMs: () => number;
}

export interface SecretSource {
  /** Reads the value of a name. @throws ConfigError that names the reference and contains no value */
  read(name: string): Promise<string>;
  /** Drops cached values, so that the next use reads them again. */
  forget?(): void;
  /** Reads the value past the cache. @throws as `read`, even if there is a cached value */
  renew?(name: string): Promise<string>;
}

import type { AwsClient } from '../aws/client.ts';

/** What sources read from; production defaults in `secrets.ts`. */
export interface SecretWorld {
  env: Readonly<Record<string, string | undefined>>;
  /** @throws an error with `code` as node:fs does */
  readFile: (path: string) => Promise<string>;
  /** What `~` stands for. */
  home: string;
  /** Absolute folder that relative paths start from: that of the configuration. */
  baseDir: string;
  /** How AWS is asked; empty: as the process is set up. */
  aws: AwsClient;
  nowMs: () => number;
}

export interface SecretSource {
  /** The value behind a name. @throws ConfigError that names the reference and shows no value */
  read(name: string): Promise<string>;
  /** What it keeps for a while it asks for anew at the next use. */
  forget?(): void;
}

import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { replaceFile } from '../adapters/files/atomic-write.ts';
import { LOOPBACK } from '../adapters/tunnel/local-listener.ts';
import { ConfigError } from '../core/errors.ts';
import { unreadable } from './config-file.ts';

export interface KubeconfigFields {
  cluster: string;
  localPort: number;
  /** Name or address that the certificate of the API server has. */
  serverName: string;
  /** PEM of the authorities that sign it, or of the certificate itself. */
  authority: string;
  /** Name of a user that another file defines. */
  user: string | undefined;
}

/** The first words of each file, by which we know our own. */
const HEADER = '# Written by `bartizan kubeconfig`';
const MOST_BYTES = 1024 * 1024;

/** Name of cluster and context, which no other kubeconfig is likely to have. */
export const contextOf = (cluster: string) => `bartizan-${cluster}`;

/** A kubeconfig without credentials (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). */
export function kubeconfigText({
  cluster,
  localPort,
  serverName,
  authority,
  user,
}: KubeconfigFields): string {
  const name = contextOf(cluster);
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: `https://${LOOPBACK}:${localPort}`,
          'tls-server-name': serverName,
          'certificate-authority-data': Buffer.from(authority).toString('base64'),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, ...(user !== undefined && { user }) } }],
    'current-context': name,
    users: [],
  };
  const about = `${HEADER} for a running tunnel to cluster ${cluster}. It has no credentials.`;
  return `${about}\n${stringify(document, { lineWidth: 0 })}`;
}

/** Writes the file, for our user only. @throws ConfigError when another program wrote the file that is there */
export async function writeKubeconfig(file: string, text: string): Promise<void> {
  const before = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new ConfigError(`${file}: ${unreadable(error)}`, { cause: error });
  });
  if (before !== undefined && (before.length > MOST_BYTES || !before.toString('utf8').startsWith(HEADER))) {
    throw new ConfigError(
      `${file} is not from \`bartizan kubeconfig\`, and is not overwritten; choose another file, and list both in KUBECONFIG`,
    );
  }
  await replaceFile(file, Buffer.from(text), { mode: 0o600 });
}

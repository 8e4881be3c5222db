import type { ParsedKey } from 'ssh2';
import type { Config } from '../../core/config/types.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Secrets } from '../../core/ports.ts';
import { parsePrivateKey } from './private-keys.ts';

export interface Keyring {
  /** @throws ConfigError */
  ofBastion(name: string): Promise<ParsedKey>;
  /** The key of a cluster's nodes: its own, or that of its bastion. @throws ConfigError */
  ofCluster(name: string): Promise<ParsedKey>;
}

/** Private keys as configured. Secrets are resolved at each use, and parsed again only when they changed. */
export function createKeyring(config: Pick<Config, 'bastions' | 'clusters'>, secrets: Secrets): Keyring {
  const parsed = new Map<string, { text: string; key: ParsedKey }>();

  async function load(what: string, secretText: string): Promise<ParsedKey> {
    const text = await secrets.resolve(secretText);
    const known = parsed.get(what);
    if (known?.text === text) return known.key;
    const key = parsePrivateKey(text, what);
    parsed.set(what, { text, key });
    return key;
  }

  async function ofBastion(name: string): Promise<ParsedKey> {
    const bastion = config.bastions.find((candidate) => candidate.name === name);
    if (!bastion) throw new ConfigError(`no bastion is called ${name}`);
    return load(`private key of bastion ${name}`, bastion.privateKey);
  }

  return {
    ofBastion,
    async ofCluster(name) {
      const cluster = config.clusters.find((candidate) => candidate.name === name);
      if (!cluster) throw new ConfigError(`no cluster is called ${name}`);
      if (cluster.privateKey === undefined) return ofBastion(cluster.bastion);
      return load(`private key of cluster ${name}`, cluster.privateKey);
    },
  };
}

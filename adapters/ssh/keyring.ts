import { ConfigError, describeError } from '../../core/errors.ts';
import type { ClusterConfig, Config, LoginConfig } from '../../core/model/config.ts';
import type { Secrets } from '../../core/ports.ts';
import { agentKey, type LoginKey, lineOf } from './login-key.ts';
import { explainOpenFiles } from './open-files.ts';
import { parsePrivateKey } from './private-keys.ts';

export interface Keyring {
  /** @throws ConfigError */
  ofBastion(name: string): Promise<LoginKey>;
  /** The key of a cluster's nodes: its own, or that of its bastion. @throws ConfigError */
  ofCluster(name: string): Promise<LoginKey>;
}

/**
 * Login keys of the configuration. Each use resolves the secret or asks the agent again; a private key is parsed again
 * only when its text has changed.
 */
export function createKeyring(config: Pick<Config, 'bastions' | 'clusters'>, secrets: Secrets): Keyring {
  const known = new Map<string, { source: string; key: LoginKey }>();
  let byName = new Map<string, ClusterConfig>();
  let indexed: Config['clusters'] | undefined;

  /** An index, since there may be thousands; inventory sources replace the whole list when it changes. */
  function findCluster(name: string): ClusterConfig | undefined {
    const { clusters } = config;
    if (indexed !== clusters) byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
    indexed = clusters;
    return byName.get(name);
  }

  /** The key of the last use, unless its source has changed. */
  function keep(what: string, source: string, make: () => LoginKey): LoginKey {
    const last = known.get(what);
    if (last?.source === source) return last.key;
    const key = make();
    known.set(what, { source, key });
    return key;
  }

  async function load(what: string, login: LoginConfig): Promise<LoginKey> {
    try {
      return await loadNow(what, login);
    } catch (error) {
      // When this process runs out of files, the open connections stay useful with the last key.
      const last = known.get(what);
      if (last && explainOpenFiles(error) !== undefined) return last.key;
      throw error;
    }
  }

  async function loadNow(what: string, login: LoginConfig): Promise<LoginKey> {
    if (login.agent !== undefined) {
      const socket = await secrets.resolve(login.agent);
      try {
        const found = await agentKey(socket, login.publicKey);
        return keep(what, JSON.stringify([socket, lineOf(found.key)]), () => found);
      } catch (cause) {
        throw new ConfigError(`${what}: ${describeError(cause)}`, { cause });
      }
    }
    const text = await secrets.resolve(login.privateKey ?? '');
    const passphrase = login.passphrase === undefined ? undefined : await secrets.resolve(login.passphrase);
    return keep(what, JSON.stringify([text, passphrase]), () => ({
      key: parsePrivateKey(text, what, passphrase),
    }));
  }

  async function ofBastion(name: string): Promise<LoginKey> {
    const bastion = config.bastions.find((candidate) => candidate.name === name);
    if (!bastion) throw new ConfigError(`no bastion is called ${name}`);
    return load(`private key of bastion ${name}`, bastion);
  }

  return {
    ofBastion,
    async ofCluster(name) {
      const cluster = findCluster(name);
      if (!cluster) throw new ConfigError(`no cluster is called ${name}`);
      const own = cluster.privateKey !== undefined || cluster.agent !== undefined;
      return own ? load(`private key of cluster ${name}`, cluster) : ofBastion(cluster.bastion);
    },
  };
}

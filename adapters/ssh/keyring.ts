import type { Config, LoginConfig } from '../../core/config/types.ts';
import { ConfigError, describeError } from '../../core/errors.ts';
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
 * Keys as configured. Secrets are resolved and agents asked at each use; the same value stands for the same key, and a
 * private key is parsed again only when it changed.
 */
export function createKeyring(config: Pick<Config, 'bastions' | 'clusters'>, secrets: Secrets): Keyring {
  const known = new Map<string, { source: string; key: LoginKey }>();

  /** The value from last time, while it comes from the same. */
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
      // Too few open files are no reason to give up the connections there are.
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
      const cluster = config.clusters.find((candidate) => candidate.name === name);
      if (!cluster) throw new ConfigError(`no cluster is called ${name}`);
      const own = cluster.privateKey !== undefined || cluster.agent !== undefined;
      return own ? load(`private key of cluster ${name}`, cluster) : ofBastion(cluster.bastion);
    },
  };
}

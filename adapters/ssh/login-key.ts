import ssh2, { type BaseAgent, type ParsedKey } from 'ssh2';

/** What we log in with: a private key, or the public half of one that an ssh-agent signs for. */
export interface LoginKey {
  key: ParsedKey;
  agent?: BaseAgent;
}

/** What ssh2 authenticates a user by. It tries nothing else. */
export function authMethod({ key, agent }: LoginKey, username: string): object {
  return agent ? { type: 'agent', username, agent } : { type: 'publickey', username, key };
}

/** An agent answers within a millisecond; one that is locked up must not hold a round. */
const AGENT_MS = 5_000;

/**
 * The key of an ssh-agent: `publicKey` (`type base64`), or the only one that it holds. Several are not tried in turn,
 * since servers count each as a failed login. Nothing is kept open.
 * @throws Error saying what is wrong with the agent
 */
export async function agentKey(socket: string, publicKey: string | undefined): Promise<LoginKey> {
  const agent = ssh2.createAgent(socket);
  const held = await heldKeys(agent);
  const wanted = publicKey === undefined ? held : held.filter((key) => lineOf(key) === publicKey);
  const [key, ...others] = wanted;
  if (!key && held.length === 0) throw new Error('the agent holds no key; add it with `ssh-add`');
  if (!key) throw new Error('the agent does not hold the key of `publicKey`; add it with `ssh-add`');
  if (others.length > 0)
    throw new Error(`the agent holds ${held.length} keys; say in \`publicKey\` which one is ours`);
  // ssh2 asks for the keys at each login; it gets the one, without the agent.
  agent.getIdentities = (callback) => callback(null, [key]);
  return { key, agent };
}

export function lineOf(key: ParsedKey): string {
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}

function heldKeys(agent: BaseAgent): Promise<ParsedKey[]> {
  const { promise, resolve, reject } = Promise.withResolvers<ParsedKey[]>();
  const timer = setTimeout(
    () => reject(new Error(`the agent did not answer within ${AGENT_MS / 1000} s`)),
    AGENT_MS,
  );
  agent.getIdentities((error, keys) => {
    if (error) reject(new Error(`the agent cannot be asked: ${error.message}`));
    else resolve((keys ?? []) as ParsedKey[]);
  });
  return promise.finally(() => clearTimeout(timer));
}

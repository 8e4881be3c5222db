import ssh2, { type BaseAgent, type ParsedKey } from 'ssh2';

/** The key of a login: a private key, or a public key whose private half an ssh-agent holds. */
export interface LoginKey {
  key: ParsedKey;
  agent?: BaseAgent;
}

/** The only authentication method that ssh2 may try. */
export function authMethod({ key, agent }: LoginKey, username: string): object {
  return agent ? { type: 'agent', username, agent } : { type: 'publickey', username, key };
}

/** An agent normally answers within a millisecond; one that hangs must not delay a round. */
const AGENT_MS = 5_000;

/**
 * Finds the key in an ssh-agent: `publicKey` (`type base64`), or the only one that the agent holds. We never try several,
 * since servers count each as a failed login. Keeps no connection to the agent open.
 * @throws Error that says what is wrong with the agent
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
  // ssh2 asks the agent for its keys at each login; this answers with the one key at once.
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

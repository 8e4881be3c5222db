import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { newKey } from '../../localstack/fleet/new-key.ts';
import { createKeyring } from './keyring.ts';
import { lineOf } from './login-key.ts';
import { parsePrivateKey } from './private-keys.ts';

const [ours, other] = [newKey(), newKey('ec')].map((text) => parsePrivateKey(text, 'key'));
if (!ours || !other) throw new Error('no keys');
let dir: string;
let server: Server | undefined;
const socket = () => join(dir, 'agent');

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'agent-'));
});
afterEach(async () => {
  await new Promise((done) => (server ? server.close(done) : done(undefined)));
  server = undefined;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** An agent that holds keys, made of ssh2's own agent protocol. */
async function startAgent(keys: readonly ssh2.ParsedKey[]): Promise<void> {
  server = createServer((connection) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on('identities', (request) => protocol.getIdentitiesReply(request, [...keys]));
    connection.pipe(protocol).pipe(connection);
  });
  await new Promise<void>((done) => server?.listen(socket(), done));
}

function keyringOf(publicKey?: string) {
  const agent = '${env:SSH_AUTH_SOCK}';
  const bastion = { name: 'b', agent, ...(publicKey !== undefined && { publicKey }) };
  const clusters = [{ name: 'c', bastion: 'b', nodes: [] }];
  return createKeyring(
    { bastions: [bastion as never], clusters },
    {
      resolve: async (text) => text.replace(agent, socket()),
      redact: (text) => text,
    },
  );
}

it('takes the only key of an agent, and stays equal while the agent holds it', async () => {
  await startAgent([ours]);
  const keyring = keyringOf();
  const key = await keyring.ofBastion('b');
  expect(lineOf(key.key)).toBe(lineOf(ours));
  expect(await keyring.ofCluster('c')).toBe(key);
});

it('takes the named one of several', async () => {
  await startAgent([other, ours]);
  expect(lineOf((await keyringOf(lineOf(ours)).ofBastion('b')).key)).toBe(lineOf(ours));
});

it.each([
  ['several', [ours, other], undefined, 'the agent holds 2 keys; say in `publicKey` which one is ours'],
  ['none', [], undefined, 'the agent holds no key; add it with `ssh-add`'],
  [
    'others only',
    [other],
    lineOf(ours),
    'the agent does not hold the key of `publicKey`; add it with `ssh-add`',
  ],
] as const)('refuses an agent that holds %s', async (_, keys, publicKey, message) => {
  await startAgent(keys);
  await expect(keyringOf(publicKey).ofBastion('b')).rejects.toThrow(`private key of bastion b: ${message}`);
});

it('reports that there is no agent', async () => {
  await expect(keyringOf().ofBastion('b')).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining('the agent cannot be asked: Failed to connect to agent'),
  });
});

// A thief has our key, the lines that `bartizan keys` prints, the file of signatures, and the addresses of a bastion and a node.
// He uses OpenSSH's clients, as everybody has them.
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { usageScript } from '../../adapters/probes/usage/usage.ts';
import { signScripts } from '../../adapters/signatures/ssh-keygen.ts';
import { bastionKeyLine } from '../../adapters/ssh/authorized-keys.ts';
import { parsePrivateKey } from '../../adapters/ssh/private-keys.ts';
import { signedKeyLine } from '../../adapters/ssh/signed-key-line.ts';
import { sentMessage, signedMessage } from '../../core/signatures/signed-script.ts';
import type { Server } from '../../examples/openssh/fleet.ts';
import { dir, fleet, startBastion, startNode, useServers } from '../openssh/servers.ts';

useServers();

const now = () => Math.floor(Date.now() / 1000);
const OUT = '@bartizan end';
let hop: Server;
let target: Server;
let other: NetServer;
/** What a thief who listens, or who has the file, knows: a signed script of today. */
let signed: string;

const portOf = (server: NetServer) => (server.address() as { port: number }).port;

beforeAll(async () => {
  const key = { key: parsePrivateKey(readFileSync(fleet.key('ed25519'), 'utf8'), 'key') };
  const signer = join(dir, 'signer');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', signer]);
  const signers = [readFileSync(`${signer}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')];
  target = await startNode('target', {
    authorizedKeys: `${signedKeyLine(key, { signers, lowestVersion: 5 })}\n`,
  });
  const line = bastionKeyLine(key, [target]);
  hop = await startBastion('hop', { authorizedKeys: `${'text' in line ? line.text : ''}\n` });
  other = createServer((socket) => socket.end('BANNER\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  signed = await signedAs({ version: 5, notAfter: now() + 3_600 });
});
afterAll(() => void other?.close());

async function signedAs(header: { version: number; notAfter: number }): Promise<string> {
  const script = usageScript();
  const [made] = await signScripts([script], join(dir, 'signer'), header);
  const message = signedMessage({ ...header, name: script.name }, script.text);
  return sentMessage(made?.signature ?? '', message);
}

const login = ({ host, port }: Server) => ['-p', `${port}`, '-l', fleet.user, host];
const options = () =>
  [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'BatchMode=yes',
    'IdentitiesOnly=yes',
  ]
    .flatMap((option) => ['-o', option])
    .concat('-F', 'none', '-i', fleet.key('ed25519'));
const throughHop = () => ['-o', `ProxyCommand=ssh ${options().join(' ')} -W %h:%p ${login(hop).join(' ')}`];

/** Runs ssh, and returns its exit code with what it printed. */
function ssh(args: readonly string[], input = ''): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const child = execFile('ssh', [...options(), ...args], (error, stdout) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, out: stdout }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
const onHop = (args: readonly string[], ...command: string[]) => ssh([...args, ...login(hop), ...command]);
const onTarget = (input: string, args: readonly string[] = [], ...command: string[]) =>
  ssh([...throughHop(), ...args, ...login(target), ...command], input);

it('runs nothing on the bastion', async () => {
  for (const args of [[], ['-tt'], ['-s']]) {
    const { code, out } = await onHop(args, 'id');
    expect([args, code === 0, out]).toEqual([args, false, '']);
  }
});

it('reaches the node through the bastion, and nothing else', async () => {
  const reached = await ssh(['-W', `${target.host}:${target.port}`, ...login(hop)]);
  expect(reached.out).toMatch(/^SSH-2\.0-OpenSSH/);
  for (const to of [`127.0.0.1:${portOf(other)}`, `${hop.host}:${hop.port}`, `${target.host}:1`]) {
    const { code, out } = await ssh(['-W', to, ...login(hop)]);
    expect([to, code === 0, out]).toEqual([to, false, '']);
  }
});

it('runs signed scripts on the node, as they are', async () => {
  const { code, out } = await onTarget(signed, [], 'id');
  expect(code).toBe(0);
  expect(out).toContain(OUT);
});

it.each<[what: string, input: () => string | Promise<string>]>([
  ['a script of his own', () => 'id\n'],
  ['a script that reads its signature from ours', () => `${signed.split('\n')[0]}\nid\n`],
  ['ours with a command behind it', () => `${signed}id\n`],
  ['ours with a command before it', () => signed.replace('\n', '\nid\n')],
  ['one that has expired', () => signedAs({ version: 5, notAfter: now() - 1 })],
  ['one of an earlier catalogue', () => signedAs({ version: 4, notAfter: now() + 3_600 })],
])('does not run %s', async (_, input) => {
  expect(await onTarget(await input(), [], 'id')).toEqual({ code: 126, out: '' });
});

it('opens no way from the node, or to it', async () => {
  const forward = await onTarget('', ['-W', `127.0.0.1:${portOf(other)}`]);
  expect([forward.code === 0, forward.out]).toEqual([false, '']);
  // With ExitOnForwardFailure ssh ends when sshd refuses to listen.
  const reverse = await onTarget(signed, [
    '-o',
    'ExitOnForwardFailure=yes',
    '-R',
    `0:127.0.0.1:${portOf(other)}`,
  ]);
  expect([reverse.code, reverse.out]).toEqual([255, '']);
});

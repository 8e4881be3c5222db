// Tries the rights of a key on a server, with the clients that everybody has: `ssh` and `sftp`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Scene {
  /** The path of the private key. */
  key: string;
  /** `user@host` of every server; they differ in their ports. */
  where: string;
  /** The home of the user there: its `.ssh/rc` creates `rc-PORT` in it. */
  home: string;
  /** A folder of ours. */
  dir: string;
  /** Both greet with BANNER, and the key needs neither. */
  tcpPort: number;
  socketPath: string;
}

export const BY_HAND = [
  'command',
  'shell',
  'sftp',
  'terminal',
  'environment',
  'rc',
  'connect',
  'listen',
  'socket-connect',
  'socket-listen',
] as const;
export type ByHand = (typeof BY_HAND)[number];

const SECONDS = '15';

/** Whether the server with this port permits the right. */
export function attemptByHand(scene: Scene, attempt: ByHand, port: number): Promise<boolean> {
  const { where, home } = scene;
  const ssh = (args: readonly string[], input?: string) => startClient(scene, port, 'ssh', args, input);
  switch (attempt) {
    case 'command':
      return prints('OPEN', ssh([where, 'echo OPEN']));
    case 'shell':
      return prints('OPEN', ssh(['-T', where], 'echo OPEN\n'));
    case 'sftp':
      return prints(
        '/etc/passwd\n',
        startClient(scene, port, 'sftp', ['-b', '-', where], '-ls /etc/passwd\n'),
      );
    case 'terminal':
      return prints('/dev/pts/', ssh(['-tt', where, 'tty']));
    case 'environment': {
      // bash runs what is in it before anything else.
      const mark = join(home, `env-${port}`);
      return leaves(mark, ssh(['-o', `SetEnv=BASH_ENV=$(touch\${IFS}${mark})`, where, 'true']));
    }
    case 'rc':
      return leaves(join(home, `rc-${port}`), ssh([where, 'true']));
    case 'connect':
      return prints('BANNER', ssh(['-W', `127.0.0.1:${scene.tcpPort}`, where]));
    case 'listen': {
      const client = ssh([...FORWARDING, '-R', '127.0.0.1:0:127.0.0.1:1', where]);
      return shows(client, () => client.stderr().includes('Allocated port'));
    }
    case 'socket-connect':
      return connectsToSocket(scene, port);
    case 'socket-listen': {
      const there = join(home, `remote-${port}.sock`);
      return shows(ssh([...FORWARDING, '-R', `${there}:127.0.0.1:1`, where]), () => existsSync(there));
    }
  }
}

/** ssh stays while the forwarding exists, and ends at once when it is refused. */
const FORWARDING = ['-N', '-o', 'ExitOnForwardFailure=yes'];

interface Client {
  stdout(): string;
  stderr(): string;
  hasEnded(): boolean;
  kill(): void;
}

function startClient(
  { key }: Scene,
  port: number,
  program: string,
  args: readonly string[],
  input = '',
): Client {
  const options = [
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    `Port=${port}`,
  ].flatMap((option) => ['-o', option]);
  const child = spawn('timeout', [SECONDS, program, '-F', 'none', '-i', key, ...options, ...args]);
  let [stdout, stderr, ended] = ['', '', false];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.on('close', () => {
    ended = true;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    hasEnded: () => ended,
    kill: () => void child.kill(),
  };
}

async function prints(text: string, client: Client): Promise<boolean> {
  while (!client.hasEnded()) await sleep(10);
  return client.stdout().includes(text);
}

async function leaves(mark: string, client: Client): Promise<boolean> {
  while (!client.hasEnded()) await sleep(10);
  return existsSync(mark);
}

async function shows(client: Client, sign: () => boolean): Promise<boolean> {
  while (!client.hasEnded() && !sign()) await sleep(10);
  client.kill();
  return sign();
}

async function connectsToSocket(scene: Scene, port: number): Promise<boolean> {
  const here = join(scene.dir, `local-${port}.sock`);
  const client = startClient(scene, port, 'ssh', ['-N', '-L', `${here}:${scene.socketPath}`, scene.where]);
  let greeting: string | undefined;
  // The path is there a moment before somebody listens.
  while (greeting === undefined && !client.hasEnded()) {
    await sleep(10);
    if (existsSync(here)) greeting = await readFrom(here);
  }
  client.kill();
  return greeting === 'BANNER';
}

/** Undefined: nobody listens there yet. */
function readFrom(path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let text = '';
  const socket = connect(path);
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => resolve(undefined));
  socket.on('close', () => resolve(text));
  return promise;
}

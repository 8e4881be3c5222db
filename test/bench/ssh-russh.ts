// Does one cold round with russh, the Rust client with bindings for Node: `ssh-russh.ts MODULE SCENE FOLDER`.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { forEachLimit } from '../../adapters/ssh/concurrency-limit.ts';
import { readScene, type SceneHost } from './ssh-scene.ts';

interface Observable<T> {
  subscribe(next: (value: T) => void): unknown;
}
interface Channel {
  data$: Observable<Uint8Array>;
  closed$: Observable<void>;
  requestExec(command: string): Promise<void>;
  write(data: Uint8Array): Promise<void>;
  eof(): Promise<void>;
}
interface NewChannel {
  take(): unknown;
}
interface Client {
  openSessionChannel(): Promise<NewChannel>;
  openTCPForwardChannel(options: Record<string, string | number>): Promise<NewChannel>;
  activateChannel(channel: NewChannel): Promise<Channel>;
  disconnect(): Promise<void>;
}
interface Russh {
  KeyPair: { parse(pem: string): Promise<unknown> };
  SshTransport: {
    newSocket(address: string): Promise<unknown>;
    newSshChannel(channel: unknown): Promise<unknown>;
  };
  SSHClient: {
    connect(
      transport: unknown,
      accepts: (key: { algorithm(): string; base64(): string }) => Promise<boolean>,
      config: unknown,
    ): Promise<{ authenticateWithKeyPair(user: string, key: unknown, hash: null): Promise<Client> }>;
  };
}

const [module = '', sceneFile = '', dir = ''] = process.argv.slice(2);
const { KeyPair, SshTransport, SSHClient } = createRequire(import.meta.url)(module) as Russh;
const scene = readScene(sceneFile);
const key = await KeyPair.parse(readFileSync(scene.key, 'utf8'));
const script = readFileSync(scene.script);

async function open(transport: unknown, { hostKey }: SceneHost): Promise<Client> {
  const accepts = async (shown: { algorithm(): string; base64(): string }) =>
    `${shown.algorithm()} ${shown.base64()}` === hostKey;
  const preferred = { ciphers: ['aes128-gcm@openssh.com'], key: [hostKey.split(' ')[0]] };
  const session = await SSHClient.connect(transport, accepts, { preferred });
  return session.authenticateWithKeyPair(scene.user, key, null);
}

const bastion = await open(
  await SshTransport.newSocket(`${scene.bastion.host}:${scene.bastion.port}`),
  scene.bastion,
);
await forEachLimit(scene.targets, scene.parallel, async (target) => {
  const tunnel = await bastion.openTCPForwardChannel({
    addressToConnectTo: target.host,
    portToConnectTo: target.port,
    originatorAddress: '127.0.0.1',
    originatorPort: 0,
  });
  const node = await open(await SshTransport.newSshChannel(tunnel.take()), target);
  const channel = await node.activateChannel(await node.openSessionChannel());
  const parts: Uint8Array[] = [];
  const closed = new Promise<void>((resolve) => channel.closed$.subscribe(() => resolve()));
  channel.data$.subscribe((part) => parts.push(part));
  await channel.requestExec('sh');
  await channel.write(script);
  await channel.eof();
  await closed;
  writeFileSync(join(dir, target.name), Buffer.concat(parts));
  await node.disconnect();
});
await bastion.disconnect();
process.exit(0);

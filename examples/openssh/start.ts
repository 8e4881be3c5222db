// Starts the servers of examples/openssh/bartizan.yaml, and a receiver for its messages, until it is interrupted.
//
//   start.ts                                       on loopback addresses, as any user
//   start.ts --namespaces [--delay MS] [--loss %]  as root: each in a network namespace, the nodes behind a firewall
//                                                  that admits the bastion alone; faults of the way to the bastion
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../cli/config-file.ts';
import { describeError } from '../../core/errors.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { createNetwork, inNamespace, type Network } from './network.ts';
import { startReceiver } from './receiver.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples/openssh/bartizan.yaml');
const receiver = fileURLToPath(new URL('receiver.ts', import.meta.url));
const print = (text: string) => process.stdout.write(`${text}\n`);
const opened: { stop(): Promise<void> }[] = [];

function openFleet(dir: string): Fleet {
  const fleet = createFleet(dir);
  opened.push(fleet);
  const secret = randomBytes(24).toString('hex');
  writeFileSync(join(dir, 'webhook-secret'), secret, { mode: 0o600 });
  return fleet;
}

/** Writes a copy of the example beside the servers' files. Returns its path. */
function writeCopy(dir: string, change: (text: string) => string): string {
  const copy = join(dir, 'bartizan.yaml');
  const text = readFileSync(example, 'utf8').replaceAll('../../out/openssh/', '');
  writeFileSync(copy, change(text.replace('../../docs', join(root, 'docs'))));
  return copy;
}

/** Returns the configuration and what stands before a command that uses it. */
async function startOnLoopback(): Promise<[string, string]> {
  const dir = join(root, 'out/openssh');
  const fleet = openFleet(dir);
  const { user } = fleet;
  const file =
    user === 'root' ? example : writeCopy(dir, (text) => text.replace('user: root', `user: ${user}`));
  const { config } = await loadConfig(file);
  for (const { name, host, port } of [
    ...config.bastions,
    ...config.clusters.flatMap((cluster) => cluster.nodes),
  ]) {
    await fleet.start({ name, host, port });
    print(`sshd ${name} on ${host}:${port}`);
  }
  opened.push(await startReceiver(dir));
  return [file, ''];
}

async function startInNamespaces(faults: { delayMs: number; loss: number }): Promise<[string, string]> {
  // A folder for each run: several may go on at the same time.
  const dir = join(root, `out/openssh-${process.pid}`);
  const fleet = openFleet(dir);
  const { config } = await loadConfig(example);
  const names = config.clusters.flatMap((cluster) => cluster.nodes.map((node) => node.name));
  const network = await createNetwork(names);
  opened.push(network);
  const { bastion, nodes, watcher } = network;
  for (const server of [{ name: 'bastion', ...bastion }, ...nodes]) {
    const { name, host, namespace } = server;
    await fleet.start({ name, host, namespace, port: 22 });
    print(`sshd ${name} on ${host} in ${namespace}`);
  }
  network.setLink('watcher', faults);
  startReceiverIn(watcher.namespace, dir);
  const file = writeCopy(dir, (text) => withEndpoints(text, network));
  return [file, `ip netns exec ${watcher.namespace} `];
}

/** It ends with the network. */
function startReceiverIn(namespace: string, dir: string): void {
  spawn(...inNamespace(namespace, process.execPath, receiver, dir), { stdio: 'inherit' });
}

function withEndpoints(text: string, { bastion, nodes }: Network): string {
  const moved = nodes.reduce((all, { host }, i) => all.replace(`127.0.0.${i + 2},`, `${host},`), text);
  return moved.replace('host: 127.0.0.1', `host: ${bastion.host}`).replaceAll('port: 22222', 'port: 22');
}

/** Servers before the network they are in. */
async function stopAll(): Promise<void> {
  for (const { stop } of opened.splice(0)) await stop();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stopAll());

try {
  const { values } = parseArgs({
    options: { namespaces: { type: 'boolean' }, delay: { type: 'string' }, loss: { type: 'string' } },
  });
  const faults = { delayMs: Number(values.delay ?? 0), loss: Number(values.loss ?? 0) / 100 };
  const [file, before] = await (values.namespaces ? startInNamespaces(faults) : startOnLoopback());
  const shown = relative(process.cwd(), file);
  print(
    `\nNow, in another terminal:\n  ${before}npm run -s bartizan -- trust -c ${shown} --yes\n  ${before}npm run -s bartizan -- up -c ${shown}\n`,
  );
} catch (error) {
  await stopAll();
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}

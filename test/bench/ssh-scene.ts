// A bastion and nodes of OpenSSH; each node answers for many targets. All contenders read the same description of them.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { usageScript } from '../../adapters/probes/usage/usage.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import { parseUsage } from '../../core/parse/usage-output.ts';
import { createFleet, type Server } from '../../examples/openssh/fleet.ts';
import { freePort } from '../../localstack/free-port.ts';

export interface SceneHost {
  /** Unique among the targets. */
  name: string;
  host: string;
  port: number;
  /** `type base64` */
  hostKey: string;
}

export interface Scene {
  bastion: SceneHost;
  targets: readonly SceneHost[];
  user: string;
  /** Paths of files. */
  key: string;
  knownHosts: string;
  script: string;
  /** Targets that are probed at the same time, over one connection. */
  parallel: number;
  /** Targets over one connection; only some contenders have such a setting. */
  batchSize: number;
  /** Ports of each target, where it has the services of a control plane. */
  services?: { apiserver: number; etcd: number };
}

const NODES = 4;

/**
 * The servers refuse no connection, however many come at once. They log only what shows that they listen, as logging
 * costs them time.
 */
const CONFIG = ['MaxStartups 4096', 'MaxSessions 4096', 'LogLevel INFO'];

/** Starts the servers and writes `scene.json`. */
export async function startScene(
  dir: string,
  { targets, parallel }: { targets: number; parallel: number },
): Promise<{ scene: Scene; file: string; stop(): Promise<void> }> {
  const fleet = createFleet(dir);
  try {
    const start = (name: string, host: string, port: number) =>
      fleet.start({ name, host, port, hostKeys: ['ed25519'], config: CONFIG });
    const bastion = await start('bastion', '127.0.0.1', await freePort());
    const nodes: Server[] = [];
    for (let n = 1; n <= NODES; n++)
      nodes.push(await start(`node-${n}`, `127.0.0.${n + 1}`, await freePort()));
    const describe = ({ host, port, hostKeys }: Server, name: string): SceneHost => ({
      name,
      host,
      port,
      hostKey: hostKeys[0] as string,
    });
    const scene: Scene = {
      bastion: describe(bastion, 'bastion'),
      targets: Array.from({ length: targets }, (_, i) => describe(nodes[i % NODES] as Server, `target-${i}`)),
      user: fleet.user,
      key: fleet.key('ed25519'),
      knownHosts: join(dir, 'known_hosts'),
      script: join(dir, 'script.sh'),
      parallel,
      batchSize: targets,
    };
    const known = [bastion, ...nodes].map(({ host, port, hostKeys }) => `[${host}]:${port} ${hostKeys[0]}\n`);
    writeFileSync(scene.knownHosts, known.join(''));
    writeFileSync(scene.script, usageScript().text);
    const file = join(dir, 'scene.json');
    writeFileSync(file, JSON.stringify(scene));
    return { scene, file, stop: () => fleet.stop() };
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

export function readScene(file: string): Scene {
  return JSON.parse(readFileSync(file, 'utf8')) as Scene;
}

/**
 * The bastion and the targets for the product, with generous deadlines, as the servers share their cores with the
 * client.
 */
export function configOf({ bastion, targets, user, key, parallel, batchSize }: Scene): {
  bastion: BastionConfig;
  targets: Target[];
} {
  return {
    bastion: {
      name: 'b',
      host: bastion.host,
      port: bastion.port,
      user,
      privateKey: readFileSync(key, 'utf8'),
      hostKeys: [bastion.hostKey],
      maxConnections: 8,
      batchSize,
      concurrency: parallel,
      deadlines: { bastionMs: 60_000, dialMs: 60_000, handshakeMs: 60_000, execMs: 60_000 },
      maxOutputBytes: 65_536,
    },
    targets: targets.map(({ name, host, port, hostKey }) => ({
      cluster: 'c',
      node: name,
      role: 'controlplane',
      host,
      port,
      user,
      bastion: 'b',
      hostKeys: [hostKey],
    })),
  };
}

export function emptyFolder(dir: string): string {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** Checks that all contenders did the same work: each target has the output of the script. @throws when one does not */
export function checkOutputs(dir: string, targets: readonly SceneHost[]): void {
  const names = readdirSync(dir).sort();
  const expected = targets.map(({ name }) => name).sort();
  if (JSON.stringify(names) !== JSON.stringify(expected))
    throw new Error(`${names.length} outputs in ${dir}, not ${expected.length}`);
  for (const name of names) {
    const counters = parseUsage(readFileSync(join(dir, name), 'utf8'))?.counters;
    if (counters === undefined) throw new Error(`the output of ${name} is not the script's`);
  }
}

// Many targets that need little CPU: one process is the bastion, another is the node that answers for all targets.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newKey, publicKeyOf } from '../../localstack/fleet/new-key.ts';
import { nodeJob } from './measured-process.ts';
import { type Resident, startResident } from './resident.ts';
import type { Scene, SceneHost } from './ssh-scene.ts';

type Address = Omit<SceneHost, 'name'> & Pick<Scene, 'services'>;

/** Starts the fleet, whose nodes are of one kind, and writes `scene.json`, with the product's default limits of a bastion. */
export async function startLightFleet(
  dir: string,
  targets: number,
  kind: 'node' | 'full-node' | 'control-plane' = 'node',
): Promise<{ scene: Scene; file: string; stop(): Promise<void> }> {
  mkdirSync(dir, { recursive: true });
  const privateKey = newKey();
  const key = join(dir, 'key');
  writeFileSync(key, privateKey, { mode: 0o600 });
  const hosts: Resident<Address>[] = ['bastion', kind].map((host) =>
    startResident(nodeJob('light-host.ts', host, publicKeyOf(privateKey))),
  );
  const stop = async () => {
    for (const host of hosts) await host.stop();
  };
  try {
    const [bastion, { services, ...node }] = (await Promise.all(hosts.map((host) => host.ask()))) as [
      Address,
      Address,
    ];
    const scene: Scene = {
      bastion: { name: 'bastion', ...bastion },
      targets: Array.from({ length: targets }, (_, i) => ({ name: `target-${i}`, ...node })),
      user: 'probe',
      key,
      knownHosts: join(dir, 'known_hosts'),
      script: '',
      parallel: 32,
      batchSize: 100,
      ...(services && { services }),
    };
    const file = join(dir, 'scene.json');
    writeFileSync(file, JSON.stringify(scene));
    return { scene, file, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

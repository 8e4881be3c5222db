// A configuration of `up` for a light fleet: all targets are nodes of one cluster, and every message goes nowhere.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scene } from './ssh-scene.ts';

export const CLUSTER = 'c';
export const ROLE = 'etcd';

/** Writes `bartizan.yaml`, with `more` in place of its own sections, and an empty folder `data`; returns both paths. */
export function writeLightConfig(
  dir: string,
  { bastion, targets, user, key }: Scene,
  { every, port, more = {} }: { every: string; port: number; more?: Readonly<Record<string, unknown>> },
): { file: string; data: string } {
  const [file, data] = [join(dir, 'bartizan.yaml'), join(dir, 'data')];
  mkdirSync(data);
  const { host, hostKey } = bastion;
  const login = { user, privateKey: `\${file:${key}}` };
  const nodes = targets.map((target) => ({
    ...{ name: target.name, role: ROLE, host: target.host, port: target.port },
    hostKeys: [target.hostKey],
  }));
  writeFileSync(
    file,
    JSON.stringify({
      bastions: [{ name: 'b', host, port: bastion.port, hostKeys: [hostKey], ...login }],
      clusters: [{ name: CLUSTER, bastion: 'b', nodes }],
      checks: [{ name: 'usage', probe: 'usage', every }],
      channels: [{ name: 'nowhere', type: 'webhook', url: 'http://127.0.0.1:1/' }],
      store: { path: data },
      schedule: { jitter: '0s' },
      server: { listen: `127.0.0.1:${port}` },
      ...more,
    }),
  );
  return { file, data };
}

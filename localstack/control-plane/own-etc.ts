// A folder /etc of a node's own: that of this machine, but for /etc/kubernetes. Nothing of this machine changes.
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Makes the folder; returns where the node's /etc/kubernetes is from outside. */
export function makeOwnEtc(dir: string): string {
  const [own, machine] = [join(dir, 'etc'), join(dir, 'machine-etc')];
  for (const folder of [dir, own, machine]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const name of readdirSync('/etc'))
    if (name !== 'kubernetes') symlinkSync(join(machine, name), join(own, name));
  const kubernetes = join(own, 'kubernetes');
  mkdirSync(kubernetes, { mode: 0o755 });
  return kubernetes;
}

/** What stands before a command that is to see the folder; it needs a mount namespace, as `ip netns exec` makes one. */
export function withOwnEtc(dir: string): string[] {
  const script = 'mount --bind /etc "$0/machine-etc" && mount --bind "$0/etc" /etc && exec "$@"';
  return ['sh', '-c', script, dir];
}

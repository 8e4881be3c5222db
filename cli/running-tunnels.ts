// Which tunnels of this machine run, so that `kubeconfig` finds their ports: a file each in the data folder.

import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../adapters/files/atomic-write.ts';

const tunnelSchema = z.object({
  pid: z.int().positive(),
  cluster: z.string(),
  node: z.string(),
  /** Absent in files of the release before. */
  bastion: z.string().optional(),
  via: z.enum(['bastion', 'node']),
  /** Port of the service. */
  port: z.int(),
  localPort: z.int(),
  openedAtMs: z.number(),
});
export type RunningTunnel = z.output<typeof tunnelSchema>;

const MOST_FILES = 1_000;
const folderOf = (storePath: string) => join(storePath, 'cli', 'tunnels');

/** Writes the file of a tunnel; the returned function removes it. */
export async function announceTunnel(storePath: string, tunnel: RunningTunnel): Promise<() => Promise<void>> {
  const file = join(folderOf(storePath), `${tunnel.pid}-${randomBytes(4).toString('hex')}.json`);
  await replaceFile(file, Buffer.from(`${JSON.stringify(tunnel)}\n`), { mode: 0o600 });
  return () => rm(file, { force: true });
}

/** The tunnels whose processes run, oldest first. Removes the files of processes that were killed. */
export async function listRunningTunnels(storePath: string): Promise<RunningTunnel[]> {
  const folder = folderOf(storePath);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  const running: RunningTunnel[] = [];
  for (const name of names.filter((one) => one.endsWith('.json')).slice(0, MOST_FILES)) {
    const tunnel = await readTunnel(join(folder, name));
    if (tunnel === undefined) continue;
    if (isRunning(tunnel.pid)) running.push(tunnel);
    else await rm(join(folder, name), { force: true });
  }
  return running.sort((a, b) => a.openedAtMs - b.openedAtMs);
}

/** Undefined: it ended meanwhile, or another program wrote it. */
async function readTunnel(file: string): Promise<RunningTunnel | undefined> {
  try {
    return tunnelSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** A process of another user runs too. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// Commands from the root file system of the image, in mounts as a kubelet makes them (container.sh).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Container {
  root: string;
  /** Folder with what is mounted. */
  given: string;
  /** Variables; `RUN_AS` is the number of another user. */
  env: Readonly<Record<string, string>>;
}

export function launchIn({ root, given, env }: Container, command: readonly string[]): ChildProcess {
  const script = join(import.meta.dirname, 'container.sh');
  return spawn('unshare', ['--mount', 'sh', script, root, given, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
}

export async function runIn(
  container: Container,
  command: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const child = launchIn(container, command);
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  if (child.exitCode === null) await once(child, 'exit');
  return { code: child.exitCode ?? -1, out, err };
}

/** A disk for the group of the pod, and a ConfigMap: links into a folder that the kubelet can replace. */
export function makeMounts(given: string): void {
  for (const name of ['data', 'config']) mkdirSync(join(given, name), { recursive: true });
  chmodSync(join(given, 'data'), 0o2775);
  chmodSync(join(given, 'config'), 0o2777);
  symlinkSync('..data/bartizan.yaml', join(given, 'config/bartizan.yaml'));
}

/** A folder beside the old one, then the link to it in one step. `change` gets the text of before; at first it is empty. */
export function changeConfig(given: string, change: (text: string) => string): void {
  const folder = join(given, 'config');
  const next = mkdtempSync(join(folder, '..2026-'));
  chmodSync(next, 0o755);
  writeFileSync(join(next, 'bartizan.yaml'), change(currentConfig(folder)));
  symlinkSync(basename(next), join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
}

function currentConfig(folder: string): string {
  try {
    return readFileSync(join(folder, 'bartizan.yaml'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

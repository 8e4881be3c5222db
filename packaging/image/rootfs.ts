// The root file system of the image, as a tar that keeps owners and modes.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { copyLibraries } from './libraries.ts';

/** The user of the program; `USER` of the Containerfile and the chart have the same. */
export const IMAGE_USER = 65_532;
export const DATA_FOLDER = '/var/lib/bartizan';

const NODE = 24;
const ETC: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/root:/sbin/nologin\nbartizan:x:${IMAGE_USER}:${IMAGE_USER}:bartizan:${DATA_FOLDER}:/sbin/nologin\n`,
  group: `root:x:0:\nbartizan:x:${IMAGE_USER}:\n`,
  // Else the loader of names in glibc asks DNS alone.
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};
/** Where runtimes mount something, in a root that is read-only by then. */
const MOUNT_POINTS = ['dev', 'proc', 'sys', 'run/secrets/bartizan', 'etc/bartizan'];

/** Lays out the root in `root`, from the folder of the tar.gz. */
export function layOutRoot(root: string, folder: string): void {
  for (const path of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'opt/bartizan', ...MOUNT_POINTS])
    mkdirSync(join(root, path), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));

  const lib = join(root, 'opt/bartizan/lib');
  cpSync(join(folder, 'lib'), lib, { recursive: true });
  copyFileSync(join(folder, 'LICENSE'), join(root, 'opt/bartizan/LICENSE'));
  for (const file of globSync('native/*', { cwd: lib }))
    if (!file.endsWith(`-node${NODE}.node`)) rmSync(join(lib, file));
  // Packages of npm may mark any file as a program.
  for (const file of globSync('node_modules/**', { cwd: lib, withFileTypes: true }))
    if (file.isFile()) chmodSync(join(file.parentPath, file.name), 0o644);
  const start = join(root, 'usr/bin/bartizan');
  copyFileSync(join(import.meta.dirname, 'bartizan'), start);
  chmodSync(start, 0o755);

  for (const [name, text] of Object.entries(ETC)) writeFileSync(join(root, 'etc', name), text);
  const linked = [join(lib, 'node'), ...globSync('**/*.node', { cwd: lib }).map((file) => join(lib, file))];
  copyLibraries(root, linked);
}

/** The same root gives the same bytes. All belongs to root, but the folder of data. */
export function packRoot(root: string, archive: string, seconds: number): void {
  mkdirSync(join(root, DATA_FOLDER), { recursive: true });
  mkdirSync(join(root, 'tmp'), { recursive: true });
  const tar = (...args: string[]) =>
    execFileSync('tar', ['--numeric-owner', `--mtime=@${seconds}`, '-C', root, ...args], { stdio: 'pipe' });
  const apart = ['--exclude=./tmp', `--exclude=.${DATA_FOLDER}`];
  tar('--sort=name', '--owner=0', '--group=0', '--mode=u+w,go-w', ...apart, '-cf', archive, '.');
  tar('--owner=0', '--group=0', '--mode=1777', '-rf', archive, './tmp');
  tar(`--owner=${IMAGE_USER}`, `--group=${IMAGE_USER}`, '--mode=0700', '-rf', archive, `.${DATA_FOLDER}`);
}

// The folder with its own Node that people unpack anywhere, and its tar.gz.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';
import { copyBindings, copyRenderer } from './native-parts.ts';
import { type Cpu, nodeFolder } from './node-releases.ts';

/** Writes `bin/bartizan`, and below `lib/` the program with its native parts and the Node that runs it. */
export function makeFolder(folder: string, { program, cpu }: { program: string; cpu: Cpu }): void {
  rmSync(folder, { recursive: true, force: true });
  const lib = join(folder, 'lib');
  cpSync(program, lib, { recursive: true });
  copyBindings(lib, cpu);
  copyRenderer(lib, cpu);
  const node = nodeFolder(24, cpu);
  copyFileSync(join(node, 'bin/node'), join(lib, 'node'));
  chmodSync(join(lib, 'node'), 0o755);
  copyFileSync(join(node, 'LICENSE'), join(lib, 'NODE-LICENSE.txt'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(ROOT, 'packaging/bartizan.sh'), join(folder, 'bin/bartizan'));
  chmodSync(join(folder, 'bin/bartizan'), 0o755);
  copyFileSync(join(ROOT, 'packaging/bartizan.service'), join(folder, 'bartizan.service'));
  for (const name of ['LICENSE', 'CHANGELOG.md']) copyFileSync(join(ROOT, name), join(folder, name));
  letOthersRead(folder);
}

/** Everybody may read, and the owner alone write, whatever the umask of who builds is. */
export function letOthersRead(folder: string): void {
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', folder]);
}

/** The same folder gives the same bytes: names are sorted, and owner and time are fixed. */
export function makeArchive(folder: string, { seconds }: { seconds: number }): string {
  const archive = `${folder}.tar.gz`;
  const tar = [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=go-w',
    `--mtime=@${seconds}`,
  ];
  const gzip = ['--use-compress-program', 'gzip -n -6'];
  execFileSync('tar', [...tar, ...gzip, '-cf', archive, '-C', dirname(folder), basename(folder)]);
  return archive;
}

// The C libraries that Node and the native parts are linked with, from the Debian packages of this machine.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** The files that the loader finds for these programs and libraries, and the loader itself. */
function librariesOf(files: readonly string[]): string[] {
  const found = files.flatMap((file) =>
    run('ldd', file)
      .split('\n')
      .flatMap((line) => {
        if (line.includes('not found')) throw new Error(`${file} is linked with ${line.trim()}`);
        return /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? [];
      }),
  );
  return [...new Set(found)].sort();
}

/** The package of a file. dpkg may know it with or without `/usr`, as one is a link to the other. */
function packageOf(file: string): string {
  for (const path of [file, `/usr${file}`, file.replace(/^\/usr/, '')]) {
    try {
      return run('dpkg-query', '-S', path).split(':')[0] as string;
    } catch {
      // Another path may be the one that dpkg knows.
    }
  }
  throw new Error(
    `no package of this machine has ${file}; build the image on Debian or Ubuntu, so that scanners can tell its libraries`,
  );
}

/**
 * Copies them into a root file system, with their licences, and with the records by which scanners of images know packages
 * and their versions. Returns the packages.
 */
export function copyLibraries(root: string, files: readonly string[]): string[] {
  const libraries = librariesOf(files);
  for (const file of libraries) {
    // The loader has its path in every program; `/lib` and `/lib64` are links into `/usr`.
    const path = join(root, file.startsWith('/usr/') ? file : `/usr${file}`);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(file, path);
  }
  const packages = [...new Set(libraries.map(packageOf))].sort();
  const records = join(root, 'var/lib/dpkg/status.d');
  mkdirSync(records, { recursive: true });
  for (const name of packages) {
    writeFileSync(join(records, name), run('dpkg-query', '-s', name));
    const copyright = join(root, 'usr/share/doc', name, 'copyright');
    mkdirSync(dirname(copyright), { recursive: true });
    copyFileSync(join('/usr/share/doc', name, basename(copyright)), copyright);
  }
  copyFileSync('/usr/lib/os-release', join(root, 'usr/lib/os-release'));
  return packages;
}

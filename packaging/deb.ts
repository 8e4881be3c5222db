// The Debian package: the folder of the tar.gz below /usr/lib/bartizan, with a user, folders and a unit of systemd.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';
import manifest from '../package.json' with { type: 'json' };
import { letOthersRead } from './archive.ts';
import type { Cpu } from './node-releases.ts';

const SCRIPTS = ['postinst', 'prerm', 'postrm'];
const CONFFILE = '/etc/bartizan/environment';
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' } as const;
const HERE = join(ROOT, 'packaging');

/** Needs dpkg-deb. Not xz: it takes five times as long, for ten megabytes less. @throws Error when it is missing or fails */
export function makeDeb(
  folder: string,
  { cpu, version, seconds, outDir }: { cpu: Cpu; version: string; seconds: number; outDir: string },
): string {
  const architecture = ARCHITECTURES[cpu];
  const root = join(outDir, `deb-${architecture}`);
  rmSync(root, { recursive: true, force: true });
  const put = (from: string, to: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(from, join(root, to));
    chmodSync(join(root, to), mode);
  };
  for (const name of ['bin', 'lib'])
    cpSync(join(folder, name), join(root, 'usr/lib/bartizan', name), { recursive: true });
  mkdirSync(join(root, 'usr/bin'));
  symlinkSync('../lib/bartizan/bin/bartizan', join(root, 'usr/bin/bartizan'));
  put(join(HERE, 'bartizan.service'), 'usr/lib/systemd/system/bartizan.service');
  put(join(HERE, 'deb/environment'), CONFFILE);
  put(join(HERE, 'deb/README.md'), 'usr/share/doc/bartizan/README.md');
  put(join(ROOT, 'LICENSE'), 'usr/share/doc/bartizan/copyright');
  put(join(ROOT, 'CHANGELOG.md'), 'usr/share/doc/bartizan/CHANGELOG.md');
  for (const name of SCRIPTS) put(join(HERE, 'deb', name), `DEBIAN/${name}`, 0o755);
  writeFileSync(join(root, 'DEBIAN/conffiles'), `${CONFFILE}\n`);
  writeFileSync(
    join(root, 'DEBIAN/control'),
    control({ architecture, version, libc: neededLibc(join(folder, 'lib')), kibibytes: kibibytesIn(root) }),
  );
  letOthersRead(root);
  const file = join(outDir, `bartizan_${version}_${architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', root, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) },
    stdio: 'pipe',
  });
  return file;
}

/** The C library that Node and the bindings need: the newest version of a symbol, `GLIBC_2.34`, that one of them names. */
function neededLibc(lib: string): string {
  const bindings = readdirSync(join(lib, 'native')).map((name) => join(lib, 'native', name));
  const minors = [join(lib, 'node'), ...bindings].flatMap((file) =>
    [...readFileSync(file, 'latin1').matchAll(/\bGLIBC_2\.(\d+)\b/g)].map(([, minor]) => Number(minor)),
  );
  return `2.${minors.reduce((most, minor) => Math.max(most, minor), 0)}`;
}

function control(options: {
  architecture: string;
  version: string;
  libc: string;
  kibibytes: number;
}): string {
  return `Package: bartizan
Version: ${options.version}
Architecture: ${options.architecture}
Maintainer: the authors of Bartizan <bartizan@localhost>
Installed-Size: ${options.kibibytes}
Depends: libc6 (>= ${options.libc}), libstdc++6 (>= 8), passwd
Recommends: systemd, ca-certificates
Section: admin
Priority: optional
Description: ${manifest.description}
 It probes control planes over SSH through a bastion, evaluates rules, and sends alerts with charts to chats. It brings its own
 Node.js.
`;
}

function kibibytesIn(root: string): number {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce(
    (sum, { parentPath, name }) => sum + Math.ceil(statSync(join(parentPath, name)).size / 1024),
    0,
  );
}

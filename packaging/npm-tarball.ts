// The tarball that npm installs on a machine that has Node.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';
import { RESVG } from '../lib/native-modules.ts';
import manifest from '../package.json' with { type: 'json' };
import { letOthersRead } from './archive.ts';
import { copyBindings } from './native-parts.ts';
import { type Cpu, NODE_MAJORS } from './node-releases.ts';

/** npm brings the renderer of charts for the machine; the bindings of ssh2 are in the tarball. */
export function makeTarball(
  folder: string,
  { program, cpus, outDir }: { program: string; cpus: readonly Cpu[]; outDir: string },
): string {
  rmSync(folder, { recursive: true, force: true });
  cpSync(program, folder, { recursive: true });
  for (const cpu of cpus) copyBindings(folder, cpu);
  const { name, version, description, license, dependencies } = manifest;
  const packed = {
    name,
    version,
    // The name on the public registry is not ours.
    private: true,
    description,
    license,
    type: 'module',
    engines: { node: NODE_MAJORS.join(' || ') },
    bin: { bartizan: 'bartizan.mjs' },
    dependencies: { [RESVG]: dependencies[RESVG] },
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(packed, undefined, 2)}\n`);
  for (const file of ['LICENSE', 'CHANGELOG.md']) copyFileSync(join(ROOT, file), join(folder, file));
  letOthersRead(folder);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', outDir], { cwd: folder, stdio: 'pipe' });
  return join(outDir, `${name}-${version}.tgz`);
}

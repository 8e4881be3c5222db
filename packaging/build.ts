// `npm run build` writes all packages into dist/. `-- --cpu x64` leaves out the other processor.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '../core/errors.ts';
import { ROOT } from '../lib/bundle.ts';
import manifest from '../package.json' with { type: 'json' };
import { makeArchive, makeFolder } from './archive.ts';
import { makeDeb } from './deb.ts';
import type { Cpu } from './node-releases.ts';
import { makeTarball } from './npm-tarball.ts';
import { bundleProgram } from './program.ts';

const CPUS: readonly Cpu[] = ['x64', 'arm64'];

/** The time of everything in the packages, in seconds: that of the commit, so that one commit gives one package. */
export function commitSeconds(): number {
  const { SOURCE_DATE_EPOCH: given } = process.env;
  if (given !== undefined) return Number(given);
  try {
    const time = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, stdio: 'pipe' });
    return Number(time.toString());
  } catch {
    return Math.floor(Date.now() / 1_000);
  }
}

/** The packages, as absolute paths. */
export async function buildPackages(outDir: string, cpus: readonly Cpu[]): Promise<string[]> {
  const { version } = manifest;
  const seconds = commitSeconds();
  mkdirSync(outDir, { recursive: true });
  const program = join(outDir, 'program');
  rmSync(program, { recursive: true, force: true });
  await bundleProgram(program);
  const made = [makeTarball(join(outDir, 'npm'), { program, cpus, outDir })];
  for (const cpu of cpus) {
    const folder = join(outDir, `bartizan-${version}-linux-${cpu}`);
    makeFolder(folder, { program, cpu });
    made.push(makeArchive(folder, { seconds }), makeDeb(folder, { cpu, version, seconds, outDir }));
  }
  const sums = made.map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  );
  writeFileSync(join(outDir, 'SHA256SUMS'), sums.join(''));
  return made;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { cpu: { type: 'string', multiple: true } } });
  const wanted = values.cpu ?? CPUS;
  const cpus = CPUS.filter((cpu) => wanted.includes(cpu));
  if (cpus.length !== wanted.length) {
    process.stderr.write(`--cpu ${wanted.join(' --cpu ')}: write ${CPUS.join(' or ')}\n`);
    process.exitCode = 2;
  } else {
    try {
      for (const file of await buildPackages(join(ROOT, 'dist'), cpus))
        process.stdout.write(`${file}  ${(statSync(file).size / 2 ** 20).toFixed(1)} MiB\n`);
    } catch (error) {
      process.stderr.write(`${describeError(error)}\n`);
      process.exitCode = 1;
    }
  }
}

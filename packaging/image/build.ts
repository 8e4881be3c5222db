// `npm run image` builds the image for this processor with buildah, without a daemon, and writes it into dist/ as an OCI archive.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import { ROOT } from '../../lib/bundle.ts';
import manifest from '../../package.json' with { type: 'json' };
import { makeFolder } from '../archive.ts';
import { commitSeconds } from '../build.ts';
import { HERE } from '../node-releases.ts';
import { bundleProgram } from '../program.ts';
import { layOutRoot, packRoot } from './rootfs.ts';

const ENDS_WITHIN_MS = 600_000;
/** buildah asks for a policy of signatures even where nothing is fetched; Debian's package has none. */
const POLICY = JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] });

/** Runs buildah and returns its output. @throws Error with its words */
export type Buildah = (...args: string[]) => string;

/** A buildah with a storage of its own, which needs no kernel module and no daemon. */
export function createBuildah(storage: string): Buildah {
  mkdirSync(storage, { recursive: true });
  const where = [
    '--root',
    join(storage, 'root'),
    '--runroot',
    join(storage, 'run'),
    '--storage-driver',
    'vfs',
  ];
  return (...args) => {
    const { status, stdout, stderr, error } = spawnSync('buildah', [...where, ...args], {
      encoding: 'utf8',
      env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
      timeout: ENDS_WITHIN_MS,
    });
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      throw new Error('there is no buildah; install it (Debian: apt-get install buildah)');
    if (status !== 0) throw new Error(`buildah ${args[0]}: ${error?.message ?? stderr.trim()}`);
    return stdout.trim();
  };
}

/** The build context: the Containerfile, and the root file system beside it. */
export async function makeContext(work: string): Promise<string> {
  const program = join(work, 'program');
  const folder = join(work, 'folder');
  const root = join(work, 'rootfs');
  const context = join(work, 'context');
  await bundleProgram(program);
  makeFolder(folder, { program, cpu: HERE });
  mkdirSync(root);
  layOutRoot(root, folder);
  mkdirSync(context);
  copyFileSync(join(import.meta.dirname, 'Containerfile'), join(context, 'Containerfile'));
  packRoot(root, join(context, 'rootfs.tar'), commitSeconds());
  return context;
}

/** Builds the image and writes it as an OCI archive, compressed by gzip. Returns its name in the storage of buildah. */
export async function buildImage(
  buildah: Buildah,
  { work, archive, version }: { work: string; archive: string; version: string },
): Promise<string> {
  const context = await makeContext(work);
  const name = `localhost/bartizan:${version}`;
  const fixed = ['--timestamp', String(commitSeconds()), '--build-arg', `VERSION=${version}`];
  const policy = join(work, 'policy.json');
  writeFileSync(policy, POLICY);
  const from = ['--signature-policy', policy];
  buildah(
    'bud',
    ...from,
    '--isolation',
    'chroot',
    '--format',
    'oci',
    '--layers=false',
    ...fixed,
    '-t',
    name,
    context,
  );
  rmSync(archive, { force: true });
  buildah('push', ...from, name, `oci-archive:${archive}:${name}`);
  return name;
}

if (import.meta.main) {
  const work = mkdtempSync(join(tmpdir(), 'bartizan-image-'));
  const { version } = manifest;
  const archive = join(ROOT, 'dist', `bartizan-${version}-image-linux-${HERE}.tar`);
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  try {
    await buildImage(createBuildah(join(work, 'storage')), { work, archive, version });
    process.stdout.write(`${archive}  ${(statSync(archive).size / 2 ** 20).toFixed(1)} MiB\n`);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

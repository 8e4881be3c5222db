// Modules of a function that are compiled for one processor: ssh2's fast ciphers, and the renderer of charts.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../core/errors.ts';
import type { Settings } from './settings.ts';

export type Machine = Pick<Settings, 'architecture' | 'ciphers'>;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
const BUILT = join(MODULES, 'ssh2/lib/protocol/crypto/build/Release/sshcrypto.node');
const CACHE = join(MODULES, '.cache/bartizan-functions');
const COMPILERS = { arm64: 'g++-aarch64-linux-gnu', x86_64: 'g++-x86-64-linux-gnu' };
/** Cannot be bundled, because it chooses its binary when it is loaded. */
export const RESVG = '@resvg/resvg-js';

/**
 * The file of ssh2's binding for the functions' processor: that of this machine if it is the same, otherwise one from a
 * cross compiler. Undefined when `ciphers` is `javascript`.
 * @throws ConfigError when it cannot be built: without it a probe takes about twice the CPU, and nobody would notice
 */
export function nativeBinding({ architecture, ciphers }: Machine): string | undefined {
  if (ciphers === 'javascript') return undefined;
  const otherwise = 'or write `-c ciphers=javascript`, at about twice the CPU of probe';
  if (isOurs(architecture)) {
    if (existsSync(BUILT)) return BUILT;
    throw new ConfigError(
      `ssh2 has no native binding here: \`npm run postinstall\` builds it, or prints what is missing; ${otherwise}`,
    );
  }
  const { version } = packageAt('ssh2');
  const file = join(CACHE, `sshcrypto-${version}-${process.version}-${architecture}.node`);
  if (existsSync(file)) return file;
  mkdirSync(CACHE, { recursive: true });
  try {
    const script = join(ROOT, 'scripts/build-sshcrypto.mjs');
    execFileSync(process.execPath, [script, '--cpu', npmCpu(architecture), '--out', file], { stdio: 'pipe' });
  } catch (cause) {
    const why = (cause as { stderr?: Buffer }).stderr?.toString().trim() || 'the build failed';
    throw new ConfigError(
      `-c architecture=${architecture}: ssh2's native binding cannot be built for it here (${why}); install ${COMPILERS[architecture]}, deploy from Linux on ${architecture}, ${otherwise}`,
      { cause },
    );
  }
  return file;
}

/**
 * The folder of node_modules with the renderer's binary for Linux on that processor. npm installs only the binary of
 * its own machine; another one is fetched once, and must have the hash in package-lock.json.
 * @throws ConfigError when it cannot be fetched, or has another hash
 */
export function modulesWithResvg(architecture: Settings['architecture']): string {
  const name = `${RESVG}-linux-${npmCpu(architecture)}-gnu`;
  if (existsSync(join(MODULES, name))) return MODULES;
  const { version } = packageAt(RESVG);
  const modules = join(CACHE, `${architecture}-${version}`, 'node_modules');
  const folder = join(modules, name);
  if (existsSync(join(folder, 'package.json'))) return modules;
  mkdirSync(folder, { recursive: true });
  try {
    const packed = execFileSync('npm', ['pack', '--json', `${name}@${version}`], {
      cwd: CACHE,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [{ filename, integrity }] = JSON.parse(packed) as [{ filename: string; integrity: string }];
    const archive = join(CACHE, filename);
    try {
      if (integrity !== lockedIntegrity(name)) throw new Error('its hash is not that of package-lock.json');
      execFileSync('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'], { stdio: 'pipe' });
    } finally {
      rmSync(archive, { force: true });
    }
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw new ConfigError(
      `-c architecture=${architecture}: npm cannot fetch ${name}@${version} (${(cause as Error).message.split('\n')[0]})`,
      { cause },
    );
  }
  return modules;
}

/** For functions that an emulator runs here: the processor of this machine, with its binding if it has one. */
export function machineHere(): Machine {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  return { architecture, ciphers: isOurs(architecture) && existsSync(BUILT) ? 'native' : 'javascript' };
}

/** Whether binaries of this machine run on the functions' processor. */
function isOurs(architecture: Settings['architecture']): boolean {
  return process.platform === 'linux' && process.arch === npmCpu(architecture);
}

function npmCpu(architecture: Settings['architecture']): 'arm64' | 'x64' {
  return architecture === 'arm64' ? 'arm64' : 'x64';
}

function packageAt(name: string): { version: string } {
  return JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8'));
}

function lockedIntegrity(name: string): string | undefined {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  return packages[`node_modules/${name}`]?.integrity;
}

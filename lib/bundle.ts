// The bundle of a function: one file made by esbuild, the files that it reads at run time, and native packages.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, buildSync } from 'esbuild';
import { ConfigError } from '../core/errors.ts';
import { type Machine, modulesWithResvg, nativeBinding, RESVG } from './native-modules.ts';
import type { Settings } from './settings.ts';

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** How a module names a file or folder beside it that it reads; in a bundle it has the bundle's address. */
const BESIDE = /new URL\(['`](?:\.\/)?([\w-]+(?:\.sh)?)(?:\/[^'`]*)?['`], import\.meta\.url\)/g;
/** How ssh2 requires its binding, beside its own file; in a bundle it is beside the bundle. */
const BINDING = './crypto/build/Release/sshcrypto.node';
/** CommonJS packages inside a module need `require` and `__dirname`. */
const BANNER = [
  "import { createRequire as bundleRequire } from 'node:module';",
  'const require = bundleRequire(import.meta.url);',
  'const { filename: __filename, dirname: __dirname } = import.meta;',
].join(' ');
/** How functions and packages are bundled. Not minified, so that an error in the log names a line that people can read. */
export const BUNDLE = {
  absWorkingDir: ROOT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: { js: BANNER },
  external: [RESVG, '*.node'],
  metafile: true,
  logLevel: 'error',
} satisfies BuildOptions;

export interface BundleOptions {
  /** The TypeScript file that exports `handler`, absolute or relative to the root of the project. */
  entry: string;
  /** An empty folder for `index.mjs` and the other files. */
  outDir: string;
  machine: Machine;
}

/**
 * Bundles a handler. Returns the files that it contains, relative to the root of the project.
 * @throws ConfigError when the entry does not exist, or a native package for that architecture is not available
 */
export function bundleFunction({ entry, outDir, machine }: BundleOptions): string[] {
  if (!existsSync(join(ROOT, entry)) && !existsSync(entry))
    throw new ConfigError(`${entry}: there is no such file`);
  const { metafile } = buildSync({
    ...BUNDLE,
    entryPoints: { index: entry },
    outdir: outDir,
    // Dynamic imports stay separate files, which a start does not read.
    splitting: true,
  });
  const inputs = Object.keys(metafile.inputs);
  for (const [name, from] of filesBeside(inputs)) cpSync(from, join(outDir, name), { recursive: true });
  const imported = Object.values(metafile.outputs).flatMap((output) => output.imports);
  if (imported.some(({ path }) => path === RESVG)) copyResvg(outDir, machine.architecture);
  const binding = imported.some(({ path }) => path === BINDING) ? nativeBinding(machine) : undefined;
  if (binding !== undefined) cpSync(binding, join(outDir, BINDING));
  return inputs;
}

/**
 * Files and folders that modules of the project read by their own address, by the name that they have in the bundle.
 * @throws Error when two modules read different files of one name
 */
export function filesBeside(inputs: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const input of inputs.filter((one) => /^(?:adapters|core|functions)\//.test(one))) {
    for (const [, name = ''] of readFileSync(join(ROOT, input), 'utf8').matchAll(BESIDE)) {
      const from = join(ROOT, dirname(input), name);
      const other = files.get(name) ?? from;
      if (other !== from) throw new Error(`${from} and ${other} would be one file in a bundle: rename one`);
      files.set(name, from);
    }
  }
  return files;
}

function copyResvg(outDir: string, architecture: Settings['architecture']): void {
  const binary = `${RESVG}-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}-gnu`;
  cpSync(join(ROOT, 'node_modules', RESVG), join(outDir, 'node_modules', RESVG), { recursive: true });
  const from = join(modulesWithResvg(architecture), binary);
  cpSync(from, join(outDir, 'node_modules', binary), { recursive: true });
}

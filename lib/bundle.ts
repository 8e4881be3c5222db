// The bundle of a function: one file made by esbuild, the files that it reads at run time, and native packages.
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { ConfigError } from '../core/errors.ts';
import { type Machine, modulesWithResvg, nativeBinding, RESVG } from './native-modules.ts';
import type { Settings } from './settings.ts';

/** The folder of the project. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Modules that find a file by their own address; in a bundle they have its address. */
const BESIDE = [
  { module: 'adapters/probes/usage/usage.ts', from: 'adapters/probes/usage/script.sh', to: 'script.sh' },
  { module: 'adapters/charts/renderer.ts', from: 'adapters/charts/fonts', to: 'fonts' },
];
/** How ssh2 requires its binding, beside its own file; in a bundle it is beside the bundle. */
const BINDING = './crypto/build/Release/sshcrypto.node';
/** CommonJS packages inside a module need `require` and `__dirname`. */
const BANNER = [
  "import { createRequire as bundleRequire } from 'node:module';",
  'const require = bundleRequire(import.meta.url);',
  'const { filename: __filename, dirname: __dirname } = import.meta;',
].join(' ');

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
    absWorkingDir: ROOT,
    entryPoints: { index: entry },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Dynamic imports stay separate files, which a start does not read.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // Not minified, so that an error in the log names a line that people can read.
    banner: { js: BANNER },
    external: [RESVG, '*.node'],
    metafile: true,
    logLevel: 'error',
  });
  const inputs = Object.keys(metafile.inputs);
  for (const { module, from, to } of BESIDE) {
    if (inputs.includes(module)) cpSync(join(ROOT, from), join(outDir, to), { recursive: true });
  }
  const imported = Object.values(metafile.outputs).flatMap((output) => output.imports);
  if (imported.some(({ path }) => path === RESVG)) copyResvg(outDir, machine.architecture);
  const binding = imported.some(({ path }) => path === BINDING) ? nativeBinding(machine) : undefined;
  if (binding !== undefined) cpSync(binding, join(outDir, BINDING));
  return inputs;
}

function copyResvg(outDir: string, architecture: Settings['architecture']): void {
  const binary = `${RESVG}-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}-gnu`;
  cpSync(join(ROOT, 'node_modules', RESVG), join(outDir, 'node_modules', RESVG), { recursive: true });
  const from = join(modulesWithResvg(architecture), binary);
  cpSync(from, join(outDir, 'node_modules', binary), { recursive: true });
}

// What a function consists of: one file made by esbuild, what that file reads beside itself, and native packages.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { ConfigError } from '../core/errors.ts';
import type { Settings } from './settings.ts';

/** Folder of the project. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Modules that find a file by their own address, which is that of the bundle once they are in it. */
const BESIDE = [
  { module: 'adapters/probes/usage/usage.ts', from: 'adapters/probes/usage/script.sh', to: 'script.sh' },
  { module: 'adapters/charts/renderer.ts', from: 'adapters/charts/fonts', to: 'fonts' },
];
/** Cannot be bundled: its binary is chosen when it is loaded. */
const RESVG = '@resvg/resvg-js';
/** CommonJS packages inside a module ask for what only CommonJS has. */
const BANNER = [
  "import { createRequire as bundleRequire } from 'node:module';",
  'const require = bundleRequire(import.meta.url);',
  'const { filename: __filename, dirname: __dirname } = import.meta;',
].join(' ');

export interface BundleOptions {
  /** TypeScript file that exports `handler`, absolute or from the root of the project. */
  entry: string;
  /** Empty folder that gets `index.mjs` and the rest. */
  outDir: string;
  architecture: Settings['architecture'];
}

/**
 * Bundles a handler. Returns the files that went into it, from the root of the project.
 * @throws ConfigError when there is no such entry, or a native package for that architecture cannot be had
 */
export function bundleFunction({ entry, outDir, architecture }: BundleOptions): string[] {
  if (!existsSync(join(ROOT, entry)) && !existsSync(entry))
    throw new ConfigError(`${entry}: there is no such file`);
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: { index: entry },
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported when it is needed stays apart, and costs a start nothing.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // Not minified: an error in the log should name a line that people can read.
    banner: { js: BANNER },
    // ssh2 falls back to JavaScript, at twice the CPU, where its binding is of another machine.
    external: [RESVG, ...(isOurs(architecture) ? [] : ['*.node'])],
    loader: { '.node': 'copy' },
    metafile: true,
    logLevel: 'error',
  });
  const inputs = Object.keys(metafile.inputs);
  for (const { module, from, to } of BESIDE) {
    if (inputs.includes(module)) cpSync(join(ROOT, from), join(outDir, to), { recursive: true });
  }
  const imported = Object.values(metafile.outputs).flatMap((output) => output.imports);
  if (imported.some(({ path }) => path === RESVG)) copyResvg(outDir, architecture);
  return inputs;
}

/** Whether binaries of this machine run there. */
function isOurs(architecture: Settings['architecture']): boolean {
  return process.platform === 'linux' && process.arch === npmCpu(architecture);
}

function npmCpu(architecture: Settings['architecture']): string {
  return architecture === 'arm64' ? 'arm64' : 'x64';
}

function copyResvg(outDir: string, architecture: Settings['architecture']): void {
  const binary = `${RESVG}-linux-${npmCpu(architecture)}-gnu`;
  const here = join(ROOT, 'node_modules');
  const modules = existsSync(join(here, binary)) ? here : fetchResvg(architecture);
  for (const name of [RESVG, binary])
    cpSync(join(modules, name), join(outDir, 'node_modules', name), { recursive: true });
}

/** npm installs binaries for its own machine alone; those of another are asked for, once. */
function fetchResvg(architecture: Settings['architecture']): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', RESVG, 'package.json'), 'utf8')) as {
    version: string;
  };
  const prefix = join(ROOT, 'node_modules/.cache/bartizan-functions', `${architecture}-${version}`);
  const modules = join(prefix, 'node_modules');
  const cpu = npmCpu(architecture);
  if (existsSync(join(modules, `${RESVG}-linux-${cpu}-gnu`))) return modules;
  mkdirSync(prefix, { recursive: true });
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
  const machine = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc'];
  try {
    execFileSync('npm', ['install', '--prefix', prefix, ...options, ...machine, `${RESVG}@${version}`], {
      stdio: 'pipe',
    });
  } catch (cause) {
    throw new ConfigError(`npm cannot install ${RESVG} for ${architecture}; try \`-c architecture=…\``, {
      cause,
    });
  }
  return modules;
}

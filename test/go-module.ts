// A small Go module whose program tests run: built once, and kept outside the checkout.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './program-path.ts';

export interface GoModule {
  /** Of the program, and of the folders in the cache. */
  program: string;
  /** With go.mod, go.sum and main.go. */
  folder: string;
  /** For the linker, such as `-X main.version=v1`. */
  linked?: readonly string[];
  /** What to do where no Go can build it. */
  how: string;
}

/** All modules ask for it. */
const NEEDED_GO = [1, 26] as const;
const SOURCES = ['go.mod', 'go.sum', 'main.go'] as const;
const BUILT_WITHIN_MS = 3_600_000;

/** The version of Go on PATH, such as `go1.26.8`, without a download of another one; undefined: there is none. */
export function goVersion(): string | undefined {
  if (!findProgram('go')) return undefined;
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], {
    encoding: 'utf8',
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** Why this version cannot build the modules; undefined: it can. */
export function unfitGo(version: string | undefined): string | undefined {
  if (version === undefined) return 'no Go';
  const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const fits = major > NEEDED_GO[0] || (major === NEEDED_GO[0] && minor >= NEEDED_GO[1]);
  return fits ? undefined : `${version} is older than Go ${NEEDED_GO.join('.')}`;
}

/** The folder for built programs, by the user's convention. */
export function cacheFolder(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bartizan', name);
}

/** Folders of a program begin with it: what it is built from, and for which machine. */
function sourceKey({ program, folder }: GoModule): string {
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(readFileSync(join(folder, file)));
  return `${program}-${process.arch}-${hash.digest('hex').slice(0, 16)}-`;
}

/** The built program, whichever version of Go built it; undefined: it is not built. */
export function findBuiltModule(module: GoModule, cache: string): string | undefined {
  const key = sourceKey(module);
  const folders = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith(key)) : [];
  return folders.map((name) => join(cache, name, module.program)).find((file) => existsSync(file));
}

/**
 * Builds what is not built yet, with half of the patience of other work on this machine. Returns the path.
 * @throws Error in words when Go is missing or older, or the build fails
 */
export function buildModule(module: GoModule, cache: string, report: (text: string) => void): string {
  const built = findBuiltModule(module, cache);
  if (built !== undefined) return built;
  const { program, linked = [], how } = module;
  const version = goVersion();
  const unfit = unfitGo(version);
  if (unfit !== undefined) throw new Error(`${program} cannot be built: ${unfit}; ${how}`);

  const folder = join(cache, `${sourceKey(module)}${version}`);
  const draft = `${folder}.${process.pid}.tmp`;
  mkdirSync(draft, { recursive: true });
  report(`building ${program} with ${version}`);
  const startMs = performance.now();
  const flags = [
    '-trimpath',
    '-buildvcs=false',
    '-mod=readonly',
    '-ldflags',
    ['-s', '-w', ...linked].join(' '),
  ];
  const { status, error } = spawnSync(
    'nice',
    ['-n', '10', 'go', 'build', '-p', '2', ...flags, '-o', join(draft, program), '.'],
    {
      cwd: module.folder,
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '' },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: BUILT_WITHIN_MS,
    },
  );
  if (status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(`${program} was not built: ${error?.message ?? `go build ended with code ${status}`}`);
  }
  if (!existsSync(folder)) renameSync(draft, folder);
  else rmSync(draft, { recursive: true });
  report(`built ${program} in ${Math.round((performance.now() - startMs) / 1000)} s`);
  return join(folder, program);
}

/** The version of a required module in go.mod, such as `v1.37.2`. */
export function requiredVersion(folder: string, required: string): string {
  const text = readFileSync(join(folder, 'go.mod'), 'utf8');
  const line = text.split('\n').find((one) => one.replace('require ', '').trim().startsWith(`${required} v`));
  if (line === undefined) throw new Error(`${join(folder, 'go.mod')} requires no ${required}`);
  return line.trim().split(' ').at(-1) as string;
}

// The real etcd, kube-apiserver, kubectl and helm: small Go modules beside this file, built once and kept outside the checkout.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../program-path.ts';

export const PROGRAMS = ['etcd', 'kube-apiserver', 'kubectl', 'helm'] as const;
export type Program = (typeof PROGRAMS)[number];
/** Others can take the place of these (parts.ts). */
export const SERVERS: readonly Program[] = ['etcd', 'kube-apiserver'];

/** All modules ask for it. */
const NEEDED_GO = [1, 26] as const;
export const HOW_TO_BUILD =
  'install Go 1.26 or later (Debian has an older one), then `npm run kube`: twelve minutes of CPU, once';
const SOURCES = ['go.mod', 'go.sum', 'main.go'] as const;
const BUILT_WITHIN_MS = 3_600_000;
/** Without it kube-apiserver and kubectl call themselves v0.0.0-master, and helm leaves out its patch level. */
const VERSION_OF: Readonly<Record<Program, string | undefined>> = {
  etcd: undefined,
  'kube-apiserver': 'k8s.io/component-base/version.gitVersion',
  kubectl: 'k8s.io/component-base/version.gitVersion',
  helm: 'helm.sh/helm/v4/internal/version.version',
};

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
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bartizan', 'kube');
}

const moduleFolder = (program: Program) => join(import.meta.dirname, program);

/** Folders of a program begin with it: what it is built from, and for which machine. */
function sourceKey(program: Program): string {
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(readFileSync(join(moduleFolder(program), file)));
  return `${program}-${process.arch}-${hash.digest('hex').slice(0, 16)}-`;
}

/** The built program, whichever version of Go built it; undefined: it is not built. */
export function findBuilt(program: Program, cache = cacheFolder()): string | undefined {
  const key = sourceKey(program);
  const folders = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith(key)) : [];
  return folders.map((name) => join(cache, name, program)).find((file) => existsSync(file));
}

/** Why the real programs cannot run here, and how to get them; undefined: all are built. */
export function missingPrograms(
  cache = cacheFolder(),
  programs: readonly Program[] = PROGRAMS,
): { why: string; how: string } | undefined {
  const missing = programs.filter((program) => findBuilt(program, cache) === undefined);
  if (missing.length === 0) return undefined;
  const unfit = unfitGo(goVersion());
  return { why: `${listed(missing)} not built${unfit ? `, and ${unfit}` : ''}`, how: HOW_TO_BUILD };
}

/** `a, b and c` */
const listed = (names: readonly string[]) => names.join(', ').replace(/, ([^,]*)$/, ' and $1');

/**
 * Builds what is not built yet, with half of the patience of other work on this machine. Returns the path.
 * @throws Error in words when Go is missing or older, or the build fails
 */
export function build(program: Program, report: (text: string) => void, cache = cacheFolder()): string {
  const built = findBuilt(program, cache);
  if (built !== undefined) return built;
  const version = goVersion();
  const unfit = unfitGo(version);
  if (unfit !== undefined) throw new Error(`${program} cannot be built: ${unfit}; ${HOW_TO_BUILD}`);

  const folder = join(cache, `${sourceKey(program)}${version}`);
  const draft = `${folder}.${process.pid}.tmp`;
  mkdirSync(draft, { recursive: true });
  report(`building ${program} with ${version}`);
  const startMs = performance.now();
  const { status, error } = spawnSync(
    'nice',
    ['-n', '10', 'go', 'build', '-p', '2', ...buildFlags(program), '-o', join(draft, program), '.'],
    {
      cwd: moduleFolder(program),
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

function buildFlags(program: Program): string[] {
  const variable = VERSION_OF[program];
  const version = program === 'helm' ? helmVersion() : kubernetesVersion();
  const linked = variable === undefined ? [] : [`-X ${variable}=${version}`];
  return ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags', ['-s', '-w', ...linked].join(' ')];
}

/** The version of Kubernetes that the module requires, such as `v1.37.2`. */
export const kubernetesVersion = (): string => requiredVersion('kube-apiserver', 'k8s.io/kubernetes');

/** The version of Helm that the module requires, such as `v4.3.1`. */
export const helmVersion = (): string => requiredVersion('helm', 'helm.sh/helm/v4');

function requiredVersion(program: Program, module: string): string {
  const text = readFileSync(join(moduleFolder(program), 'go.mod'), 'utf8');
  const line = text.split('\n').find((one) => one.replace('require ', '').trim().startsWith(`${module} v`));
  if (line === undefined) throw new Error(`test/kube/${program}/go.mod requires no ${module}`);
  return line.trim().split(' ').at(-1) as string;
}

// The real etcd, kube-apiserver, kubectl and helm: small Go modules beside this file, built once and kept outside the checkout.
import { join } from 'node:path';
import {
  buildModule,
  cacheFolder,
  findBuiltModule,
  type GoModule,
  goVersion,
  requiredVersion,
  unfitGo,
} from '../go-module.ts';

export const PROGRAMS = ['etcd', 'kube-apiserver', 'kubectl', 'helm'] as const;
export type Program = (typeof PROGRAMS)[number];
/** Others can take the place of these (parts.ts). */
export const SERVERS: readonly Program[] = ['etcd', 'kube-apiserver'];

export const HOW_TO_BUILD =
  'install Go 1.26 or later (Debian has an older one), then `npm run kube`: twelve minutes of CPU, once';
/** Without it kube-apiserver and kubectl call themselves v0.0.0-master, and helm leaves out its patch level. */
const VERSION_OF: Readonly<Record<Program, string | undefined>> = {
  etcd: undefined,
  'kube-apiserver': 'k8s.io/component-base/version.gitVersion',
  kubectl: 'k8s.io/component-base/version.gitVersion',
  helm: 'helm.sh/helm/v4/internal/version.version',
};

const CACHE = 'kube';

const moduleFolder = (program: Program) => join(import.meta.dirname, program);

function goModule(program: Program): GoModule {
  const variable = VERSION_OF[program];
  const version = program === 'helm' ? helmVersion() : kubernetesVersion();
  const linked = variable === undefined ? [] : [`-X ${variable}=${version}`];
  return { program, folder: moduleFolder(program), linked, how: HOW_TO_BUILD };
}

/** The built program, whichever version of Go built it; undefined: it is not built. */
export const findBuilt = (program: Program, cache = cacheFolder(CACHE)): string | undefined =>
  findBuiltModule(goModule(program), cache);

/** Why the real programs cannot run here, and how to get them; undefined: all are built. */
export function missingPrograms(
  cache = cacheFolder(CACHE),
  programs: readonly Program[] = PROGRAMS,
): { why: string; how: string } | undefined {
  const missing = programs.filter((program) => findBuilt(program, cache) === undefined);
  if (missing.length === 0) return undefined;
  const unfit = unfitGo(goVersion());
  return { why: `${listed(missing)} not built${unfit ? `, and ${unfit}` : ''}`, how: HOW_TO_BUILD };
}

/** `a, b and c` */
const listed = (names: readonly string[]) => names.join(', ').replace(/, ([^,]*)$/, ' and $1');

/** See `buildModule`. */
export const build = (program: Program, report: (text: string) => void, cache = cacheFolder(CACHE)): string =>
  buildModule(goModule(program), cache, report);

/** The version of Kubernetes that the module requires, such as `v1.37.2`. */
export const kubernetesVersion = (): string =>
  requiredVersion(moduleFolder('kube-apiserver'), 'k8s.io/kubernetes');

/** The version of Helm that the module requires, such as `v4.3.1`. */
export const helmVersion = (): string => requiredVersion(moduleFolder('helm'), 'helm.sh/helm/v4');

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findParts } from './kube/parts.ts';
import { HOW_TO_BUILD, missingPrograms } from './kube/programs.ts';
import { findPostgres } from './postgres-programs.ts';
import { findProgram } from './program-path.ts';
import { HOW_TO_BUILD_REFERENCE, missingReference } from './promql/reference.ts';

interface Suite {
  /** The files of the suite, as a glob: `name.<suite>.test.ts`. */
  pattern: string;
  what: string;
  /** Why it cannot run here, or undefined. */
  missing: () => string | undefined;
  /** How to get what is missing. */
  get: string;
  /** Other tests that run in its place: a run with CI set may leave the suite out too. */
  replacement?: string;
  /** Runs once before all of its files, when that takes long. */
  prepare?: () => Promise<void>;
}

/** For the processor that this machine does not have. */
const CROSS =
  process.arch === 'arm64'
    ? { compiler: 'x86_64-linux-gnu-g++', package: 'g++-x86-64-linux-gnu' }
    : { compiler: 'aarch64-linux-gnu-g++', package: 'g++-aarch64-linux-gnu' };

/**
 * Suites that need more than Node. They are left out as a whole, before the run, and listed; no test of them is skipped
 * inside.
 */
const SUITES: readonly Suite[] = [
  {
    pattern: '**/*.sshd.test.ts',
    what: 'real OpenSSH servers as bastion and nodes',
    missing: () => (findProgram('sshd') ? undefined : 'no sshd'),
    get: 'apt-get install openssh-server dash busybox zsh',
  },
  {
    pattern: '**/*.prometheus.test.ts',
    what: 'real Prometheus-compatible servers as sample stores',
    missing: () => {
      const lacking = ['prometheus', 'victoria-metrics'].filter((name) => !findProgram(name));
      return lacking.length > 0 ? `no ${lacking.join(', no ')}` : undefined;
    },
    get: 'apt-get install prometheus victoria-metrics',
  },
  {
    pattern: '**/*.alertmanager.test.ts',
    what: 'the real Alertmanager, and amtool',
    missing: () => {
      const lacking = ['prometheus-alertmanager', 'amtool'].filter((name) => !findProgram(name));
      return lacking.length > 0 ? `no ${lacking.join(', no ')}` : undefined;
    },
    get: 'apt-get install prometheus-alertmanager',
  },
  {
    pattern: '**/*.postgres.test.ts',
    what: 'a real PostgreSQL as state, with pgbouncer in front of it',
    missing: () => {
      if (findPostgres() === undefined) return 'no PostgreSQL';
      const lacking = ['pgbouncer', 'prometheus'].filter((name) => !findProgram(name));
      return lacking.length > 0 ? `no ${lacking.join(', no ')}` : undefined;
    },
    get: 'apt-get install postgresql pgbouncer prometheus',
  },
  {
    pattern: '**/*.aws.test.ts',
    what: 'an emulator of AWS, which they install into node_modules/.cache',
    missing: missingForEmulator,
    get: 'apt-get install python3-venv',
    async prepare() {
      const { installEmulator } = await import('../localstack/emulator.ts');
      if (!process.env.AWS_ENDPOINT_URL) await installEmulator();
    },
  },
  {
    pattern: '**/*.schemathesis.test.ts',
    what: 'generated requests to the API by schemathesis, which they install into node_modules/.cache',
    missing: () => missingForPython('3.11'),
    get: 'apt-get install python3-venv (Python 3.11 or later)',
    async prepare() {
      const { installSchemathesis } = await import('./schemathesis/install.ts');
      await installSchemathesis();
    },
  },
  {
    pattern: '**/*.scale.test.ts',
    what: 'thirty thousand nodes in one round',
    missing: () => (process.env.CI ? undefined : 'it takes a minute or two'),
    get: 'CI=true npm test',
  },
  {
    pattern: '**/*.root.test.ts',
    what: 'real OpenSSH servers in network namespaces, with firewalls',
    missing: missingForNamespaces,
    get: 'as root: apt-get install openssh-server iproute2 nftables python3',
  },
  {
    pattern: '**/*.kube.test.ts',
    what: 'the real etcd, kube-apiserver and kubectl',
    missing: () => missingPrograms()?.why ?? (findProgram('sshd') ? undefined : 'no sshd'),
    get: `${HOW_TO_BUILD}; apt-get install openssh-server`,
    replacement: 'an emulator of kube-apiserver that is held to recorded answers',
  },
  {
    pattern: '**/*.promql.test.ts',
    what: "Prometheus' own query engine",
    missing: missingReference,
    get: HOW_TO_BUILD_REFERENCE,
    replacement: 'queries against recorded answers of that engine',
  },
  {
    pattern: '**/*.chart.test.ts',
    what: 'the Helm chart by the real helm and kube-apiserver',
    missing: () => missingPrograms()?.why,
    get: HOW_TO_BUILD,
  },
  {
    pattern: '**/*.etcd.test.ts',
    what: 'real members of etcd, built and of Debian',
    missing: () => (findParts() ? undefined : 'no etcd'),
    get: '`npm run kube` or apt-get install etcd-server',
  },
  {
    pattern: '**/*.control-plane.test.ts',
    what: 'control planes in network namespaces',
    missing: () => missingForNamespaces() ?? (findParts() ? undefined : 'no etcd'),
    get: 'as root: apt-get install openssh-server iproute2 nftables python3, and `npm run kube` or apt-get install etcd-server',
  },
  {
    pattern: '**/*.mounts.test.ts',
    what: 'real file systems in a mount namespace: loop devices and FUSE',
    missing: missingForMounts,
    get: 'as root, with /dev/fuse and loop devices: apt-get install e2fsprogs python3',
  },
  {
    pattern: '**/*.cross.test.ts',
    what: 'functions for another processor',
    missing: () => (findProgram(CROSS.compiler) ? undefined : `no ${CROSS.compiler}`),
    get: `apt-get install ${CROSS.package}`,
  },
  {
    pattern: '**/*.rsyslog.test.ts',
    what: 'a real syslog server that gets the audit, over TCP and TLS',
    missing: () => (findProgram('rsyslogd') ? undefined : 'no rsyslogd'),
    get: 'apt-get install rsyslog rsyslog-openssl',
  },
  {
    pattern: '**/*.zsh.test.ts',
    what: 'completion in zsh',
    missing: () => (findProgram('zsh') ? undefined : 'no zsh'),
    get: 'apt-get install zsh',
  },
];

function missingForNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const program = ['sshd', 'ip', 'nft', 'python3', 'unshare'].find((name) => !findProgram(name));
  if (program !== undefined) return `no ${program}`;
  if (!existsSync('/dev/net/tun')) return 'no /dev/net/tun';
  // The root of a container may lack the right to do it, and a kernel nftables.
  const tried = spawnSync('unshare', ['--net', '--mount', 'nft', 'list', 'ruleset'], { stdio: 'ignore' });
  return tried.status === 0 ? undefined : 'no namespaces with firewalls may be made here';
}

function missingForMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const program = ['mkfs.ext4', 'python3', 'unshare'].find((name) => !findProgram(name));
  if (program !== undefined) return `no ${program}`;
  const device = ['/dev/fuse', '/dev/loop-control'].find((name) => !existsSync(name));
  if (device !== undefined) return `no ${device}`;
  const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], {
    stdio: 'ignore',
  });
  return tried.status === 0 ? undefined : 'nothing may be mounted here';
}

function missingForEmulator(): string | undefined {
  if (process.env.AWS_ENDPOINT_URL) return undefined;
  return missingForPython('3.10');
}

/** @param least `3.11`: a minor version of Python 3 */
function missingForPython(least: string): string | undefined {
  const [, minor] = least.split('.');
  const script = `import ensurepip, venv, sys; sys.exit(sys.version_info < (3, ${minor}))`;
  const python = spawnSync('python3', ['-c', script], { stdio: 'ignore' });
  return python.status === 0 ? undefined : `no python3 of ${least} or later with venv`;
}

export function leftOutSuites(): (Pick<Suite, 'pattern' | 'what' | 'get' | 'replacement'> & {
  missing: string;
})[] {
  return SUITES.flatMap(({ missing, prepare, ...suite }) => {
    const why = missing();
    return why === undefined ? [] : [{ ...suite, missing: why }];
  });
}

/** What the suites that can run need, and the run itself should not wait for. */
export async function prepareSuites(): Promise<void> {
  for (const { missing, prepare } of SUITES) if (prepare && missing() === undefined) await prepare();
}

export function leftOutPatterns(): string[] {
  return leftOutSuites().map((suite) => suite.pattern);
}

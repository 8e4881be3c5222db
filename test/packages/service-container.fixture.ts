// A booted systemd over this machine's files without Node: an overlay in memory, so that nothing here changes. The network is
// this machine's, where the servers of the test listen on loopback.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../program-path.ts';
import { until } from '../until.ts';

export interface ServiceContainer {
  /** The path of a file of the container on this machine. */
  path(file: string): string;
  /** Runs a program in it; the code of its exit, and all that it prints. */
  run(...command: string[]): { code: number; out: string };
  stop(): Promise<void>;
}

const NEEDED = ['systemd-nspawn', 'nsenter', 'unshare', 'mount', 'dpkg', 'systemd-analyze'];
const MEMORY = 'size=1g';

/** @throws Error with what is missing here */
export async function startServiceContainer(dir: string): Promise<ServiceContainer> {
  if (process.getuid?.() !== 0) throw new Error('the test of the .deb boots systemd, which only root may do');
  const missing = NEEDED.filter((name) => !findProgram(name));
  if (missing.length > 0)
    throw new Error(`no ${missing.join(', no ')}: apt-get install systemd systemd-sysv systemd-container`);
  const memory = join(dir, 'memory');
  mkdirSync(memory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', MEMORY, 'tmpfs', memory]);
  const root = join(memory, 'root');
  for (const name of ['upper', 'work', 'root']) mkdirSync(join(memory, name));
  const layers = `lowerdir=/,upperdir=${memory}/upper,workdir=${memory}/work`;
  let nspawn: ChildProcess | undefined;
  const stop = async () => {
    if (nspawn?.pid !== undefined && nspawn.exitCode === null) {
      const ended = once(nspawn, 'exit');
      // A PID namespace ends with its first process, which would live on if systemd-nspawn were killed.
      process.kill(firstProcess(nspawn.pid) ?? nspawn.pid, 'SIGKILL');
      await ended;
    }
    for (const mounted of [root, memory]) execFileSync('umount', ['--recursive', '--lazy', mounted]);
  };
  try {
    execFileSync('mount', ['-t', 'overlay', '-o', layers, 'overlay', root]);
    for (const folder of ['bin', 'usr/bin', 'usr/local/bin'])
      rmSync(join(root, folder, 'node'), { force: true });
    // Else it is the first boot, which asks for a time zone.
    writeFileSync(join(root, 'etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`);
    const log = join(dir, 'boot.log');
    const options = ['--quiet', '--register=no', '--keep-unit', '--console=pipe', '--machine=bartizan-test'];
    nspawn = spawn(
      'sh',
      [
        '-c',
        'log=$1; shift; exec systemd-nspawn "$@" >"$log" 2>&1',
        'sh',
        log,
        ...options,
        `--directory=${root}`,
        '--boot',
        'systemd.unit=basic.target',
      ],
      { stdio: 'ignore' },
    );
    const run: ServiceContainer['run'] = (...command) => runInside(nspawn?.pid, command);
    await until(
      'systemd is up',
      () => /^(running|degraded)/.test(run('systemctl', 'is-system-running').out),
      {
        everyMs: 500,
        seen: () => readFileSync(log, 'utf8').slice(-2_000),
      },
    );
    return { path: (file) => join(root, file), run, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The container's first process, the child of systemd-nspawn. Undefined: there is none yet, or no more. */
function firstProcess(nspawn: number | undefined): number | undefined {
  const file = `/proc/${nspawn}/task/${nspawn}/children`;
  const [child] = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : [];
  return child ? Number(child) : undefined;
}

/** In the namespaces of the container's first process. */
function runInside(nspawn: number | undefined, command: readonly string[]): { code: number; out: string } {
  const namespaces = ['--mount', '--pid', '--ipc', '--uts', '--cgroup'];
  const enter = ['--target', String(firstProcess(nspawn)), ...namespaces, '--root', '--wdns=/'];
  try {
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
    const script = 'exec "$@" 2>&1';
    return {
      code: 0,
      out: execFileSync('nsenter', [...enter, 'sh', '-c', script, 'sh', ...command], {
        env,
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    };
  } catch (cause) {
    const { status, stdout } = cause as { status?: number; stdout?: string };
    return { code: status ?? -1, out: stdout ?? '' };
  }
}

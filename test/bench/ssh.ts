// CPU of the client and wall time of one round over SSH, against OpenSSH's own servers.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../program-path.ts';
import type { BenchOptions } from './benchmark.ts';
import { type Comparison, type Contender, compare } from './harness.ts';
import { type Measured, type MeasuredOptions, measureProcesses, nodeJob } from './measured-process.ts';
import { type BenchmarkReport, type Goal, goalOf, rowsOf } from './report.ts';
import { type Resident, startResident } from './resident.ts';
import { checkOutputs, emptyFolder, type Scene, type SceneHost, startScene } from './ssh-scene.ts';
import { buildGo, russhModule } from './tools.ts';

const COLD = 'bartizan, fresh process';
const WARM = 'bartizan, connections kept';
const LISTENER = 'bartizan, connections kept, doors checked';
const NAIVE = 'ssh -o ProxyCommand, curve25519';
const GO = 'Go x/crypto/ssh';

const TITLE = 'SSH: a round of the usage script on real OpenSSH';
const PARALLEL = 32;
/** Rounds that the lasting process does before the measured ones, until its code is compiled. */
const WARM_UP = 11;

interface Stage {
  scene: Scene;
  /** The description of the scene. */
  file: string;
  /** The targets of the two contenders that would take too long for all targets. */
  few: readonly SceneHost[];
  /** Paths of folders. */
  out: string;
  ours: string;
  warm: Resident<Measured>;
  listeners: Resident<Measured>;
}

/** Measures client CPU and wall time of a round, both divided by the number of targets. */
export async function benchSsh({ dir, tools, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const [targets, sample, rounds] = quick ? [60, 16, 3] : [300, 60, 5];
  const missing = ['sshd', 'python3', 'ssh'].filter((program) => !findProgram(program));
  if (missing.length > 0) {
    const get = 'apt-get install openssh-server openssh-client python3';
    return {
      title: TITLE,
      how: [],
      rows: [],
      goals: goalsOf(undefined, targets),
      missing: [{ name: TITLE, get }],
    };
  }
  const { scene, file, stop } = await startScene(join(dir, 'servers'), { targets, parallel: PARALLEL });
  const ours = emptyFolder(join(dir, 'ours'));
  const residents: Resident<Measured>[] = [];
  const stay = async (name: string, ...options: string[]) => {
    const folder = emptyFolder(join(dir, name));
    copyFileSync(join(ours, 'counters.json'), join(folder, 'counters.json'));
    const resident = startResident<Measured>(nodeJob('ours.ts', file, folder, '--stay', ...options));
    residents.push(resident);
    for (let round = 0; round < WARM_UP; round++) await resident.ask();
    return resident;
  };
  try {
    // One run without measuring: it leaves the counters that the next round needs for its rates.
    await measureProcesses({ jobs: [{ argv: nodeJob('ours.ts', file, ours) }] });
    const [warm, listeners] = [await stay('warm'), await stay('doors', '--door')];
    const few = scene.targets.slice(0, sample);
    const stage = { scene, file, few, out: join(dir, 'out'), ours, warm, listeners };
    const comparison = await compare(contenders(stage, tools), rounds, (name, n) => log(`${n + 1}: ${name}`));
    return {
      title: TITLE,
      how: [
        `${targets} targets (${sample} for the two contenders with OpenSSH's client) are behind one bastion, ${PARALLEL} at a time, over one`,
        'connection to the bastion where the client can do so. CPU is user and system time of the client and all its',
        'descendants. Every contender checks both host keys and runs adapters/probes/usage/script.sh; every output is',
        'parsed. The fresh process has been started before. Connections are kept over eleven rounds of a minute; each',
        'round renews a tenth of them by a new login, as the default of `sessions.renew` does. The servers run',
        'on the same cores and take most of the wall time.',
      ],
      rows: [
        ...rowsOf(comparison, 'cpuMs', { what: 'client CPU a target', unit: 'ms' }),
        ...rowsOf(comparison, 'wallMs', { what: 'wall time a target', unit: 'ms' }),
      ],
      goals: goalsOf(comparison, targets),
      missing: comparison.missing,
    };
  } finally {
    for (const resident of residents) await resident.stop();
    await stop();
  }
}

function goalsOf(comparison: Comparison | undefined, targets: number): Goal[] {
  const round = `a round of ${targets}`;
  const measured = comparison ?? { readings: new Map(), missing: [] };
  return [
    goalOf(measured, 'cpuMs', {
      what: `client CPU of ${round}, cold`,
      ours: COLD,
      against: NAIVE,
      limit: 0.12,
    }),
    goalOf(measured, 'cpuMs', {
      what: `client CPU of ${round}, connections kept`,
      ours: WARM,
      against: NAIVE,
      limit: 0.025,
    }),
    goalOf(measured, 'cpuMs', {
      what: `client CPU of ${round}, connections kept, doors checked`,
      ours: LISTENER,
      against: NAIVE,
      limit: 0.025,
    }),
    goalOf(measured, 'wallMs', { what: `wall time of ${round}, cold`, ours: COLD, against: GO, limit: 1.1 }),
  ];
}

function contenders(stage: Stage, tools: string): Contender[] {
  const { scene, file, few, out, ours, warm, listeners } = stage;
  const all = scene.targets;
  const goClient = buildGo(tools);
  const russh = russhModule(tools);
  return [
    { name: COLD, run: async () => a(all, await measureProcesses(single(nodeJob('ours.ts', file, ours)))) },
    { name: WARM, run: async () => a(all, await warm.ask()) },
    { name: LISTENER, run: async () => a(all, await listeners.ask()) },
    { name: NAIVE, run: () => runChecked(out, few, sshJobs(scene, few, out, viaProxy(scene))) },
    {
      name: 'ssh, ControlMaster to the bastion',
      run: () => {
        const control = join(emptyFolder(`${out}-control`), 'socket');
        const before = ['ssh', ...sshOptions(scene), '-M', '-N', '-S', control, ...toBastion(scene)];
        const proxy = `ssh -F none -S ${control} -W %h:%p -p ${scene.bastion.port} ${scene.bastion.host}`;
        return runChecked(out, few, { ...sshJobs(scene, few, out, proxy), before, ready: control });
      },
    },
    {
      name: GO,
      missing: goClient.missing,
      run: () => runChecked(out, all, single([goClient.file, file, out])),
    },
    {
      name: 'russh (npm)',
      missing: russh.missing,
      run: () => runChecked(out, all, single(nodeJob('ssh-russh.ts', russh.file, file, out))),
    },
  ];
}

const single = (argv: readonly string[]): MeasuredOptions => ({ jobs: [{ argv }] });

/** The figures divided by the number of targets. */
const a = (targets: readonly SceneHost[], { cpuMs, wallMs }: Pick<Measured, 'cpuMs' | 'wallMs'>) => ({
  cpuMs: cpuMs / targets.length,
  wallMs: wallMs / targets.length,
});

async function runChecked(out: string, targets: readonly SceneHost[], options: MeasuredOptions) {
  emptyFolder(out);
  const measured = await measureProcesses(options);
  checkOutputs(out, targets);
  return a(targets, measured);
}

/** The key exchange of the other contenders: the default of this OpenSSH needs six times as much CPU of the client. */
function sshOptions({ key, knownHosts, user }: Scene): string[] {
  const options = {
    User: user,
    IdentityFile: key,
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: knownHosts,
    StrictHostKeyChecking: 'yes',
    BatchMode: 'yes',
    KexAlgorithms: 'curve25519-sha256',
  };
  return ['-F', 'none', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

const toBastion = ({ bastion }: Scene): string[] => ['-p', String(bastion.port), bastion.host];

const viaProxy = (scene: Scene): string =>
  ['ssh', ...sshOptions(scene), '-W', '%h:%p', ...toBastion(scene)].join(' ');

function sshJobs(scene: Scene, targets: readonly SceneHost[], out: string, proxy: string): MeasuredOptions {
  const jobs = targets.map(({ name, host, port }) => ({
    argv: ['ssh', ...sshOptions(scene), '-o', `ProxyCommand=${proxy}`, '-p', String(port), host, 'sh'],
    stdin: scene.script,
    stdout: join(out, name),
  }));
  return { jobs, parallel: scene.parallel };
}

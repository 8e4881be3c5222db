// The client's CPU for a round with the checks of a control plane, against a round of usage alone.
import { join } from 'node:path';
import type { BenchOptions } from './benchmark.ts';
import { type Contender, compare, ratioOf } from './harness.ts';
import { startLightFleet } from './light-fleet.ts';
import { type Measured, nodeJob } from './measured-process.ts';
import { type BenchmarkReport, goalOf, rowsOf } from './report.ts';
import { type Resident, startResident } from './resident.ts';
import { emptyFolder } from './ssh-scene.ts';

const USAGE = 'usage';
const MINUTELY = 'usage, apiserver, etcd';
const HOURLY = 'usage, apiserver, etcd, pki';
const MEAN = 'those of an hour, mean';
const ROUNDS_IN_HOUR = 60;
/** Rounds before the measured ones: each session is renewed once, and the code is compiled. */
const WARM_UP = 11;

export async function benchControlPlane({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const [targets, rounds] = quick ? [100, 5] : [300, 11];
  const { file, stop } = await startLightFleet(join(dir, 'fleet'), targets, 'control-plane');
  const residents: Resident<Measured>[] = [];
  const stay = async (name: string, ...flags: string[]) => {
    const folder = emptyFolder(join(dir, name));
    const resident = startResident<Measured>(nodeJob('ours.ts', file, folder, '--stay', '--door', ...flags));
    residents.push(resident);
    for (let round = 0; round < WARM_UP; round++) await resident.ask(round % 2 === 0 ? 'hourly' : '');
    return resident;
  };
  try {
    const [usage, all] = [await stay('usage'), await stay('all', '--control-plane')];
    const cpuOf = async (resident: Resident<Measured>, line?: string) =>
      (await resident.ask(line)).cpuMs / targets;
    const last = { minutely: 0, hourly: 0 };
    const contenders: Contender[] = [
      { name: USAGE, run: async () => ({ cpuMs: await cpuOf(usage) }) },
      {
        name: MINUTELY,
        async run() {
          last.minutely = await cpuOf(all);
          return { cpuMs: last.minutely };
        },
      },
      {
        name: HOURLY,
        async run() {
          last.hourly = await cpuOf(all, 'hourly');
          return { cpuMs: last.hourly };
        },
      },
      {
        name: MEAN,
        run: async () => ({ cpuMs: last.minutely + (last.hourly - last.minutely) / ROUNDS_IN_HOUR }),
      },
    ];
    const comparison = await compare(contenders, rounds, (name, round) => log(`${round + 1}: ${name}`));
    return {
      title: `Control plane: a round of ${targets} light targets, connections kept`,
      how: [
        'Both processes probe the same targets, log in anew to a tenth of them in each round, and make the check of',
        '`sessions.door`. Each target has an API server behind TLS, which the bastion connects to, and an etcd whose 176 KB',
        'of metrics come through a session with the node, as of a real etcd 3.7: the answers are recorded, the series of',
        'gRPC are made up. The pki script printed 20 certificates, with keys of elliptic curves. `pki` runs once an hour:',
        'the mean has one round with it and 59 without. `/version`, asked once an hour, is in none of these rounds.',
      ],
      rows: [
        ...rowsOf(comparison, 'cpuMs', { what: 'client CPU a target', unit: 'ms' }),
        ...[MINUTELY, HOURLY, MEAN].flatMap((contender) => {
          const value = ratioOf(comparison, 'cpuMs', contender, USAGE);
          return value ? [{ what: 'client CPU, times that of usage', contender, unit: '', value }] : [];
        }),
      ],
      goals: [
        goalOf(comparison, 'cpuMs', {
          what: `client CPU of a round of ${targets} with usage, apiserver, etcd and a sixtieth of pki`,
          ours: MEAN,
          against: USAGE,
          limit: 4,
        }),
      ],
      missing: comparison.missing,
    };
  } finally {
    for (const resident of residents) await resident.stop();
    await stop();
  }
}

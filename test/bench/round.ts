// How long a round over thousands of targets takes, and how much CPU the client needs for it.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../program-path.ts';
import type { BenchOptions } from './benchmark.ts';
import { type Contender, compare } from './harness.ts';
import { startLightFleet } from './light-fleet.ts';
import { type Measured, measureProcesses, nodeJob } from './measured-process.ts';
import { type BenchmarkReport, rowsOf } from './report.ts';
import { startResident } from './resident.ts';
import { emptyFolder } from './ssh-scene.ts';

/** Rounds that the lasting process does before the measured ones. */
const WARM_UP = 4;

export async function benchRound({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const [targets, rounds] = quick ? [600, 3] : [3_000, 5];
  const { file, stop } = await startLightFleet(join(dir, 'fleet'), targets);
  const [fresh, stayed] = [emptyFolder(join(dir, 'fresh')), emptyFolder(join(dir, 'stayed'))];
  const cold = { jobs: [{ argv: nodeJob('ours.ts', file, fresh) }] };
  try {
    await measureProcesses(cold);
    copyFileSync(join(fresh, 'counters.json'), join(stayed, 'counters.json'));
    const warm = startResident<Measured>(nodeJob('ours.ts', file, stayed, '--stay'));
    try {
      for (let round = 0; round < WARM_UP; round++) await warm.ask();
      const missing = findProgram('python3') ? undefined : 'apt-get install python3';
      const contenders: Contender[] = [
        { name: 'fresh process', missing, run: async () => perTarget(await measureProcesses(cold)) },
        { name: 'connections kept', run: async () => perTarget(await warm.ask()) },
      ];
      const comparison = await compare(contenders, rounds, (name, round) => log(`${round + 1}: ${name}`));
      return {
        title: `Round: ${targets} light targets`,
        how: [
          'Batches, connections and deadlines are the defaults of the product. The bastion and the nodes are two other',
          'processes of this project, which answer with made-up output and need about as much CPU as the client, on the',
          'same cores. So compare wall times only with other runs of this benchmark.',
        ],
        rows: [
          ...rowsOf(comparison, 'wallMs', { what: 'round, wall time', unit: 'ms' }),
          ...rowsOf(comparison, 'cpuMs', { what: 'client CPU a target', unit: 'ms' }),
        ],
        goals: [],
        missing: comparison.missing,
      };
    } finally {
      await warm.stop();
    }
  } finally {
    await stop();
  }

  function perTarget({ wallMs, cpuMs }: Measured) {
    return { wallMs, cpuMs: cpuMs / targets };
  }
}

// The time from the start of a process to the first picture of an alert, compared with headless Chromium.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderSvg } from '../../adapters/charts/svg.ts';
import { findProgram } from '../program-path.ts';
import type { BenchOptions } from './benchmark.ts';
import { alertChart } from './chart-spec.ts';
import { type Browser, freshBrowser, keptBrowser, writePage } from './chromium.ts';
import { type Contender, compare, type Readings, warmUp } from './harness.ts';
import { measureProcesses, nodeJob } from './measured-process.ts';
import { type BenchmarkReport, goalOf, rowsOf } from './report.ts';
import { type Resident, startResident } from './resident.ts';

const OURS = 'bartizan';
const CHROMIUM = 'headless Chromium';
/** Pictures that the lasting process draws before the measured ones. */
const WARM_UP = 5;
const SIZE = [2000, 1000] as const;

/** @throws unless the file is a PNG of 2000 × 1000 pixels */
function checkPicture(file: string): void {
  const png = readFileSync(file);
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  if (width !== SIZE[0] || height !== SIZE[1]) throw new Error(`${file} has ${width} × ${height} pixels`);
}

export async function benchChart({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const rounds = quick ? 3 : 9;
  const page = writePage(dir, renderSvg(alertChart()));
  const get = 'apt-get install chromium python3';
  const missing = findProgram('chromium') && findProgram('python3') ? undefined : get;
  let count = 0;

  /** One process, from its start to a picture. */
  async function drawFresh(memory: boolean, command: (png: string) => readonly string[]): Promise<Readings> {
    const png = join(dir, `${++count}.png`);
    const { wallMs, cpuMs, peakMb } = await measureProcesses({ jobs: [{ argv: command(png) }], png, memory });
    checkPicture(png);
    return memory ? { peakMb } : { wallMs, cpuMs };
  }
  const fresh = (memory: boolean): Contender[] => [
    {
      name: OURS,
      missing: findProgram('python3') ? undefined : 'apt-get install python3',
      run: () => drawFresh(memory, (png) => nodeJob('chart-ours.ts', png)),
    },
    {
      name: CHROMIUM,
      missing,
      run: () => drawFresh(memory, (png) => freshBrowser(join(dir, `profile-${count}`), page, png)),
    },
  ];

  // Fills the disk cache and our compile cache, because the very first start on a machine is not measured.
  await warmUp(fresh(false));
  const first = await compare(fresh(false), rounds, (name, round) => log(`first ${round + 1}: ${name}`));
  const memory = await compare(fresh(true), quick ? 1 : 3, (name) => log(`memory: ${name}`));
  const warm = await compareWarm();
  return {
    title: 'Chart: an alert picture of 2000 × 1000 pixels',
    how: [
      'The time runs from the start of a process until the PNG is complete. Ours draws nine series with Korean names.',
      'Chromium gets that SVG in a page, each time in a new browser with a new profile, as in a renderer without a',
      'pool. Both have been started before. CPU counts until all processes have ended; memory is that of all processes together, with shared pages counted once.',
      'Later pictures come from a process, or a browser, that keeps running.',
    ],
    rows: [
      ...rowsOf(first, 'wallMs', { what: 'process start to first PNG', unit: 'ms' }),
      ...rowsOf(first, 'cpuMs', { what: 'CPU of that', unit: 'ms' }),
      ...rowsOf(memory, 'peakMb', { what: 'memory at most', unit: 'MB' }),
      ...rowsOf(warm, 'wallMs', { what: 'a later PNG', unit: 'ms' }),
    ],
    goals: [
      goalOf(first, 'wallMs', {
        what: 'process start to first PNG',
        ours: OURS,
        against: CHROMIUM,
        limit: 0.25,
      }),
      goalOf(first, 'cpuMs', { what: 'CPU of that', ours: OURS, against: CHROMIUM, limit: 0.15 }),
      goalOf(memory, 'peakMb', { what: 'memory at most', ours: OURS, against: CHROMIUM, limit: 0.15 }),
      goalOf(warm, 'wallMs', { what: 'a later PNG', ours: OURS, against: CHROMIUM, limit: 0.3 }),
    ],
    missing: first.missing,
  };

  async function compareWarm() {
    const png = join(dir, 'warm.png');
    let ours: Resident<Readings> | undefined;
    let browser: Browser | undefined;
    try {
      ours = startResident<Readings>(nodeJob('chart-ours.ts', png, '--stay'));
      browser = missing === undefined ? await keptBrowser(join(dir, 'profile-kept')) : undefined;
      const contenders: Contender[] = [
        { name: OURS, run: () => (ours as Resident<Readings>).ask() },
        {
          name: CHROMIUM,
          missing,
          async run() {
            const startMs = performance.now();
            await browser?.draw(page, png);
            return { wallMs: performance.now() - startMs };
          },
        },
      ];
      await warmUp(contenders, WARM_UP);
      return await compare(contenders, rounds, () => checkPicture(png));
    } finally {
      await ours?.stop();
      await browser?.stop();
    }
  }
}

// Runs `bartizan up` over light targets for minutes and measures its memory: `npm run soak -- [--minutes 10] [--targets
// 1000] [--every 10s]`. Exit code 1 when it grew, a round failed, or a target was lost.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import axios from 'axios';
import { median } from './bench/harness.ts';
import { startLightFleet } from './bench/light-fleet.ts';

const PORT = 25_290;
const SAMPLE_MS = 5_000;
/** The tenth of the time after which connections are open and the JIT is warm. */
const WARM_PARTS = 3;
/** More growth than this over the rest of the time fails: garbage collection makes noise of a few MB. */
const MOST_GROWTH_MB = 15;

const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    targets: { type: 'string', default: '1000' },
    every: { type: 'string', default: '10s' },
  },
});
const [minutes, targets] = [Number(args.minutes), Number(args.targets)];

const dir = mkdtempSync(join(tmpdir(), 'bartizan-soak-'));
const fleet = await startLightFleet(join(dir, 'fleet'), targets);
const { bastion, targets: hosts, user, key } = fleet.scene;
mkdirSync(join(dir, 'data'));
writeFileSync(
  join(dir, 'bartizan.yaml'),
  JSON.stringify({
    bastions: [
      {
        name: 'b',
        host: bastion.host,
        port: bastion.port,
        user,
        privateKey: `\${file:${key}}`,
        hostKeys: [bastion.hostKey],
      },
    ],
    clusters: [
      {
        name: 'c',
        bastion: 'b',
        nodes: hosts.map(({ name, host, port, hostKey }) => ({
          name,
          role: 'etcd',
          host,
          port,
          hostKeys: [hostKey],
        })),
      },
    ],
    checks: [{ name: 'usage', probe: 'usage', every: args.every }],
    channels: [{ name: 'nowhere', type: 'webhook', url: 'http://127.0.0.1:1/' }],
    store: { path: 'data' },
    schedule: { jitter: '0s' },
    server: { listen: `127.0.0.1:${PORT}` },
  }),
);

const bin = fileURLToPath(new URL('../bin/bartizan.ts', import.meta.url));
const up = spawn(process.execPath, [bin, 'up', '-c', join(dir, 'bartizan.yaml'), '--log-level', 'error'], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
const ended = new Promise<void>((resolve) => up.once('close', () => resolve()));

try {
  const megabytes: number[] = [];
  const endMs = Date.now() + minutes * 60_000;
  while (Date.now() < endMs) {
    await sleep(SAMPLE_MS);
    if (up.exitCode !== null) throw new Error(`up ended with exit code ${up.exitCode}`);
    megabytes.push(residentMb());
    if (megabytes.length % 12 === 0) {
      process.stdout.write(`${megabytes.length / 12} min: ${Math.round(megabytes.at(-1) ?? 0)} MB\n`);
    }
  }
  const metrics = String((await axios.get(`http://127.0.0.1:${PORT}/metrics`)).data);
  const total = (name: string) =>
    [...metrics.matchAll(new RegExp(`^bartizan_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  const [rounds, failed, skipped] = ['rounds_total', 'rounds_failed_total', 'rounds_skipped_total'].map(
    total,
  );
  const lost = Number(/^bartizan_observations_total\{outcome="failed"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  const steady = megabytes.slice(Math.floor((megabytes.length * WARM_PARTS) / 10));
  const third = Math.floor(steady.length / 3);
  const grown = median(steady.slice(-third)) - median(steady.slice(0, third));
  process.stdout.write(
    `${rounds} rounds of ${targets} targets, ${failed} failed, ${skipped} skipped, ${lost} observations failed; ` +
      `memory ${Math.round(megabytes.at(-1) ?? 0)} MB, grown by ${grown.toFixed(1)} MB after the first ${WARM_PARTS * 10} %\n`,
  );
  if (failed || !rounds || lost > 0 || grown > MOST_GROWTH_MB) process.exitCode = 1;
} finally {
  up.kill('SIGTERM');
  await ended;
  await fleet.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** The resident set of the process, from /proc (proc(5)). */
function residentMb(): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${up.pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}

// The product as a contender, in its own process: `ours.ts SCENE FOLDER` probes once and exits. With `--stay` it probes
// once for each line on stdin, over kept connections, and prints the figures of the round. For the sessions each round
// is a minute later than the one before, so that some are renewed in each. `--stay --door` also makes the check of
// `sessions.door`. `--stay --control-plane` also makes the checks of a control plane, those of each hour for a line `hourly`.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createAuditFile } from '../../adapters/audit/file.ts';
import { createProber } from '../../adapters/probes/prober.ts';
import type { Check } from '../../core/model/check.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { planRound } from '../../core/plan/plan.ts';
import { configOf, readScene } from './ssh-scene.ts';

const [sceneFile = '', dir = '', ...flags] = process.argv.slice(2);
const MINUTE = 60_000;
const scene = readScene(sceneFile);
const { bastion, targets } = configOf(scene);

const checkOf = (probe: string, options: Check['options'] = {}, everyMs = MINUTE): Check => ({
  name: probe,
  probe,
  everyMs,
  where: {},
  options,
});
// Runs of a fresh process are minutes apart, and need rates all the same.
const usage = flags.includes('--stay') ? checkOf('usage') : checkOf('usage', {}, 60 * MINUTE);
const { services } = scene;
const checks: Check[] =
  services && flags.includes('--control-plane')
    ? [
        usage,
        checkOf('apiserver', { port: services.apiserver }),
        checkOf('etcd', { port: services.etcd }),
        checkOf('pki', {}, 60 * MINUTE),
      ]
    : [usage];
/** What a check of each kind measures only if the service has answered. */
const PROOF: Readonly<Record<string, string>> = {
  usage: 'cpu_usage',
  apiserver: 'apiserver_ready',
  etcd: 'etcd_healthy',
  pki: 'cert_expiry',
};

// As after a restart: the counters of the last round exist, so that no node needs a second sample.
const countersFile = join(dir, 'counters.json');
const counters = new Map<string, unknown>(
  existsSync(countersFile) ? JSON.parse(readFileSync(countersFile, 'utf8')) : [],
);
const audit = await createAuditFile({ file: join(dir, 'audit.jsonl'), writer: 'bench' });
let commands = 0;
const print = (text: string) => process.stderr.write(`${text}\n`);
const prober = await createProber({
  config: {
    bastions: [bastion],
    clusters: [{ name: 'c', bastion: 'b', nodes: [] }],
    checks,
    sessions: { renewMs: 10 * MINUTE, door: flags.includes('--door') },
  },
  secrets: { resolve: async (text) => text, redact: (text) => text },
  audit: {
    ...audit,
    append(entries) {
      commands += entries.filter(({ command }) => command !== undefined).length;
      return audit.append(entries);
    },
  },
  counters: {
    load: async (key) => counters.get(key),
    save: async (key, value) => void counters.set(key, value),
  },
  clock: { nowMs: Date.now },
  logger: { debug: () => {}, info: () => {}, warn: print, error: print },
  knownHosts: join(dir, 'known_hosts'),
});

/** The number of observations, each with what its check measures. @throws when one has not */
function answered({ bastion: hop, observations }: BatchObservation): number {
  if (!hop.ok) throw new Error(`bastion: ${hop.failure.detail}`);
  for (const { target, check, result } of observations) {
    if (!result.ok) throw new Error(`${target.node}: ${result.failure.detail}`);
    if (!result.samples.some(({ metric }) => metric === PROOF[check]))
      throw new Error(`${target.node}: no ${PROOF[check]}: ${result.notes.join('; ')}`);
  }
  return observations.length;
}

let roundMs = Math.floor(Date.now() / MINUTE) * MINUTE;

async function round(isHourly: boolean): Promise<{ wallMs: number; cpuMs: number; commands: number }> {
  commands = 0;
  roundMs += MINUTE;
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  // Round 0 is a multiple of every interval.
  const planned = planRound({ roundMs: isHourly ? 0 : MINUTE, checks, targets, bastions: [bastion] });
  const expiresAtMs = Number.POSITIVE_INFINITY;
  const batches = planned.map((batch) => ({ ...batch, roundMs, intervalMs: expiresAtMs, expiresAtMs }));
  const observations = await Promise.all(batches.map((batch) => prober.probe(batch)));
  const done = observations.reduce((sum, observation) => sum + answered(observation), 0);
  const expected = planned.reduce((sum, batch) => sum + batch.targets.length * batch.checks.length, 0);
  if (done !== expected || done < targets.length) throw new Error(`${done} of ${expected} observations`);
  const { user, system } = process.cpuUsage(startCpu);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000, commands };
}

if (flags.includes('--stay')) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await round(line === 'hourly'))}\n`);
  }
} else {
  const first = counters.size === 0;
  const result = await round(true);
  if (!first && result.commands !== targets.length) throw new Error(`${result.commands} commands`);
  writeFileSync(countersFile, JSON.stringify([...counters]));
}
await prober.close();
await audit.close();

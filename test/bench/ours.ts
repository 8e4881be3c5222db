// The product as a contender, in its own process: `ours.ts SCENE FOLDER` probes once and exits. With `--stay` it probes
// once for each line on stdin, over kept connections, and prints the figures of the round. For the sessions each round
// is a minute later than the one before, so that some are renewed in each. `--stay --door` also makes the check of
// `sessions.door`.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createAuditFile } from '../../adapters/audit/file.ts';
import { createProber } from '../../adapters/probes/prober.ts';
import type { Check } from '../../core/model/check.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import { planRound } from '../../core/plan/plan.ts';
import { configOf, readScene } from './ssh-scene.ts';

const [sceneFile = '', dir = '', mode, door] = process.argv.slice(2);
const MINUTE = 60_000;
const { bastion, targets } = configOf(readScene(sceneFile));

const checks: Check[] = [{ name: 'usage', probe: 'usage', everyMs: 3_600_000, where: {}, options: {} }];

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
    sessions: { renewMs: 10 * MINUTE, door: door === '--door' },
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

/** The number of targets that ran the script and whose output was parsed. @throws when one did not, or has no rates */
function answered({ bastion: hop, observations }: BatchObservation): number {
  if (!hop.ok) throw new Error(`bastion: ${hop.failure.detail}`);
  for (const { target, result } of observations) {
    if (!result.ok) throw new Error(`${target.node}: ${result.failure.detail}`);
    if (!result.samples.some(({ metric }) => metric === 'cpu_usage'))
      throw new Error(`${target.node}: no rates`);
  }
  return observations.length;
}

let roundMs = Math.floor(Date.now() / MINUTE) * MINUTE;

async function round(): Promise<{ wallMs: number; cpuMs: number; commands: number }> {
  commands = 0;
  roundMs += MINUTE;
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  // Round 0 is a multiple of every interval, so the check is due.
  const planned = planRound({ roundMs: 0, checks, targets, bastions: [bastion] });
  const expiresAtMs = Number.POSITIVE_INFINITY;
  const batches = planned.map((batch) => ({ ...batch, roundMs, intervalMs: expiresAtMs, expiresAtMs }));
  const observations = await Promise.all(batches.map((batch) => prober.probe(batch)));
  const done = observations.reduce((sum, observation) => sum + answered(observation), 0);
  if (done !== targets.length) throw new Error(`${done} of ${targets.length} targets`);
  const { user, system } = process.cpuUsage(startCpu);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000, commands };
}

if (mode === '--stay') {
  for await (const _ of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await round())}\n`);
  }
} else {
  const first = counters.size === 0;
  const result = await round();
  if (!first && result.commands !== targets.length) throw new Error(`${result.commands} commands`);
  writeFileSync(countersFile, JSON.stringify([...counters]));
}
await prober.close();
await audit.close();

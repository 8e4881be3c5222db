// The time from the scheduled time of the last breaching round to the message that the channel accepted.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SinkMessage, startSink } from '../../localstack/sink/sink.ts';
import type { BenchOptions } from './benchmark.ts';
import { spreadOf } from './harness.ts';
import { startLightFleet } from './light-fleet.ts';
import type { BenchmarkReport } from './report.ts';
import type { Scene } from './ssh-scene.ts';

const EVERY_S = 5;
const LIMIT_MS = 5_000;
/** More than the messages need, so that a busy machine passes. */
const PATIENCE_MS = 60_000;

export async function benchLatency({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const [targets, messages] = quick ? [100, 5] : [300, 11];
  const fleet = await startLightFleet(join(dir, 'fleet'), targets);
  const secret = randomBytes(24).toString('hex');
  writeFileSync(join(dir, 'secret'), secret, { mode: 0o600 });
  const { promise: all, resolve: haveAll } = Promise.withResolvers<void>();
  const latencies: number[] = [];
  const sink = await startSink({
    secret,
    dir: join(dir, 'messages'),
    onMessage({ payload, picturePath, receivedAtMs }: SinkMessage) {
      const [alert] = payload.alerts;
      if (payload.status !== 'firing' || !alert) return;
      if (!picturePath) throw new Error('a message came without its picture');
      latencies.push(receivedAtMs - Date.parse(alert.firedAt));
      log(`message ${latencies.length} of ${messages}`);
      if (latencies.length === messages) haveAll();
    },
  });
  const file = join(dir, 'bartizan.yaml');
  writeFileSync(file, configText(fleet.scene, sink.url, messages));
  const bin = fileURLToPath(new URL('../../bin/bartizan.ts', import.meta.url));
  const up = spawn(process.execPath, [bin, 'up', '-c', file, '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => up.once('close', () => resolve()));
  const limit = setTimeout(() => up.kill(), (messages + 2) * EVERY_S * 1_000 + PATIENCE_MS);
  try {
    await Promise.race([all, ended]);
    if (latencies.length < messages) throw new Error(`${latencies.length} of ${messages} messages came`);
  } finally {
    clearTimeout(limit);
    up.kill();
    await ended;
    await sink.stop();
    await fleet.stop();
  }
  const value = spreadOf(latencies);
  const worst = { median: value.high, low: value.low, high: value.high, runs: value.runs };
  return {
    title: 'Latency: from the last breaching round to the message',
    how: [
      `\`bartizan up\` runs in its own process with ${targets} light targets, a check every ${EVERY_S} s and the default`,
      'jitter. Each message has another rule and round, and its picture; it counts as accepted when the',
      'webhook receiver has received all of it.',
    ],
    rows: [{ what: 'scheduled time of the round to message', contender: 'bartizan up', unit: 'ms', value }],
    goals: [
      {
        what: 'last breaching round to message, slowest',
        against: 'no contender',
        value: worst,
        limit: LIMIT_MS,
        unit: 'ms',
      },
    ],
    missing: [],
  };
}

/** One rule for each message; each matches one node, and fires a round after the rule before. */
function configText({ bastion, targets, key, user }: Scene, url: string, rules: number): string {
  const endpoint = ({ host, port, hostKey }: Scene['bastion']) =>
    `host: ${host}, port: ${port}, user: ${user}, hostKeys: ["${hostKey}"]`;
  const nodes = targets.map((target) => `      - { name: ${target.name}, role: etcd, ${endpoint(target)} }`);
  const ruleLines = Array.from({ length: rules }, (_, i) => {
    const what = `metric: load1, above: 0.5, for: ${(i + 1) * EVERY_S}s, where: { node: target-${i} }`;
    return `  - { name: load-${i}, ${what}, severity: warning }`;
  });
  return `
bastions: [{ name: gate, privateKey: "\${file:${key}}", ${endpoint(bastion)} }]
clusters:
  - name: prod
    bastion: gate
    nodes:
${nodes.join('\n')}
checks: [{ name: usage, probe: usage, every: ${EVERY_S}s }]
rules:
${ruleLines.join('\n')}
channels: [{ name: ops, type: webhook, url: "${url}", secret: "\${file:secret}" }]
routes: [{ name: all, channels: [ops] }]
store: { path: data }
server: { listen: "127.0.0.1:0" }
`;
}

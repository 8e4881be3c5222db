// A round with a hundred alerts: how soon the channel accepts their messages, how many have pictures, and how long the
// event loop is blocked.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type SinkMessage, startSink } from '../../localstack/sink/sink.ts';
import type { BenchOptions } from './benchmark.ts';
import { type Contender, compare, spreadOf, valuesOf } from './harness.ts';
import type { LoopRecord } from './loop-record.ts';
import { nodeJob } from './measured-process.ts';
import { type BenchmarkReport, type Goal, rowsOf } from './report.ts';
import { startResident } from './resident.ts';

const MESSAGES = 100;
const [MANY, ONE] = [`${MESSAGES} messages`, '1 message'];
/** More than the messages need, so that a busy machine passes. */
const PATIENCE_MS = 60_000;
/** Enough time to finish the pictures that no message waits for any more. */
const AFTERMATH_MS = 1_500;

interface Answers extends LoopRecord {
  startMs: number;
  cpuMs: number;
  inVain: number;
}

export async function benchBurst({ dir, quick, log }: BenchOptions): Promise<BenchmarkReport> {
  const rounds = quick ? 2 : 5;
  let runs = 0;

  async function burst(messages: number) {
    const folder = join(dir, String(++runs));
    mkdirSync(folder, { recursive: true });
    const secret = randomBytes(24).toString('hex');
    const received: SinkMessage[] = [];
    const all = Promise.withResolvers<void>();
    const sink = await startSink({
      secret,
      dir: join(folder, 'messages'),
      onMessage(message) {
        received.push(message);
        if (received.length === messages) all.resolve();
      },
    });
    const [command = '', ...args] = nodeJob('burst-ours.ts', folder, sink.url, secret, String(messages));
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const idle = startResident<LoopRecord>(nodeJob('loop-idle.ts'));
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const limit = setTimeout(() => child.kill(), PATIENCE_MS);
    try {
      await Promise.race([all.promise, ended]);
      await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS));
      child.stdin.end();
      await ended;
      if (received.length !== messages) throw new Error(`${received.length} of ${messages} messages came`);
      const { startMs, ...answers } = Object.assign({}, ...lines.map((line) => JSON.parse(line))) as Answers;
      const acceptedMs = Math.max(...received.map((message) => message.receivedAtMs)) - startMs;
      const pictures = received.filter(({ picturePath }) => picturePath !== undefined).length;
      return { ...answers, acceptedMs, pictures, idleMs: (await idle.finish()).blockedMs };
    } finally {
      clearTimeout(limit);
      child.kill();
      await ended;
      await idle.stop();
      await sink.stop();
    }
  }

  const contenders: Contender[] = [
    { name: MANY, run: () => burst(MESSAGES) },
    { name: ONE, run: () => burst(1) },
  ];
  const comparison = await compare(contenders, rounds, (name, round) => log(`${round + 1}: ${name}`));
  const goal = (what: string, figure: string, limit: number, unit: string): Goal => {
    const values = valuesOf(comparison, MANY, figure);
    return { what, against: 'no contender', value: spreadOf(values), limit, unit };
  };
  const lacking = valuesOf(comparison, MANY, 'pictures').map((pictures) => MESSAGES - pictures);
  return {
    title: `Burst: ${MESSAGES} messages of one round`,
    how: [
      `A round in which one node of each of ${MESSAGES} clusters fires is stored, evaluated and sent by webhook to a receiver on the`,
      'same machine, by the parts of `bartizan up` on databases on disk; each picture shows three hours of three nodes.',
      'A timer checks the event loop every millisecond, from the arrival of the samples to the last picture.',
    ],
    rows: [
      ...rowsOf(comparison, 'acceptedMs', { what: 'samples to the last message accepted', unit: 'ms' }),
      ...rowsOf(comparison, 'blockedMs', { what: 'event loop blocked at most', unit: 'ms' }),
      ...rowsOf(comparison, 'workedMs', { what: 'CPU of its longest turn', unit: 'ms' }),
      ...rowsOf(comparison, 'idleMs', {
        what: 'event loop of an idle process beside it, blocked at most',
        unit: 'ms',
      }),
      ...rowsOf(comparison, 'pictures', { what: 'messages with their picture', unit: '' }),
      ...rowsOf(comparison, 'inVain', { what: 'pictures that no message got', unit: '' }),
      ...rowsOf(comparison, 'cpuMs', { what: 'CPU', unit: 'ms' }),
    ],
    goals: [
      goal('event loop blocked at most', 'blockedMs', 50, 'ms'),
      goal(`all ${MESSAGES} texts accepted`, 'acceptedMs', 4_000, 'ms'),
      { ...goal('messages without their picture', 'pictures', 80, ''), value: spreadOf(lacking) },
      goal('pictures that no message got', 'inVain', 0, ''),
    ],
    missing: comparison.missing,
  };
}

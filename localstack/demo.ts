// `npm run demo`: a fleet behind a bastion on this machine, and the pipeline that monitors it. The memory of one node
// climbs, the alert fires, its message arrives with a chart, the node recovers, the alert resolves.
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig, secretsFor } from '../cli/config-file.ts';
import { describeError } from '../core/errors.ts';
import { createLogger } from '../local/logger.ts';
import { startBartizan } from '../local/up.ts';
import { demoModels } from './demo-fleet.ts';
import { createDemoReport } from './demo-report.ts';
import { startFleet } from './fleet/fleet.ts';
import { type SinkMessage, startSink } from './sink/sink.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(root, 'out/demo');
const CONFIG = join(root, 'examples/demo/bartizan.yaml');
const LIMIT_MS = 3 * 60_000;

/** Why the demo ends; `problem` is the reason if it did not show everything. */
type Ending = { problem?: string };

async function main(untilResolved: boolean): Promise<number> {
  const { config } = await loadConfig(CONFIG);
  const story = createDemoReport(config);
  const opened: { stop(): Promise<void> }[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>();
  const pictures = new Map<string, string>();
  const onMessage = async (message: SinkMessage) => {
    const { status } = message.payload;
    if (message.picturePath) {
      const path = join(OUT, `demo-${status}.png`);
      await copyFile(message.picturePath, path);
      pictures.set(status, relative(process.cwd(), path));
    }
    story.message(message, message.picturePath && pictures.get(status));
    if (status !== 'resolved') return;
    if (!untilResolved) return story.finished([...pictures.values()]);
    const bare = ['firing', 'resolved'].filter((wanted) => !pictures.has(wanted));
    end(bare.length === 0 ? {} : { problem: `no picture came with the message: ${bare.join(', ')}` });
  };
  try {
    // Checks the ports first: if another demo runs, its folder must not be deleted.
    const nodes = config.clusters.flatMap((cluster) => cluster.nodes);
    const fleet = await startFleet({
      dir: join(OUT, 'nodes'),
      nodes: demoModels(config),
      ports: [config.bastions[0]?.port ?? 0, ...nodes.map((node) => node.port)],
    });
    opened.push(fleet);
    const webhookSecret = randomBytes(24).toString('hex');
    for (const name of ['data', 'messages', 'demo-firing.png', 'demo-resolved.png'])
      await rm(join(OUT, name), { recursive: true, force: true });
    await mkdir(join(OUT, 'data'), { recursive: true });
    await writeFile(join(OUT, 'webhook-secret'), webhookSecret, { mode: 0o600 });
    await writeFile(join(OUT, 'id_ed25519'), fleet.privateKey, { mode: 0o600 });
    await writeFile(join(OUT, 'data/known_hosts'), fleet.knownHosts);
    opened.push(
      await startSink({ port: 22090, secret: webhookSecret, dir: join(OUT, 'messages'), onMessage }),
    );
    const secrets = secretsFor(CONFIG);
    const pretty = process.stderr.isTTY === true;
    const logger = createLogger({ level: 'warn', pretty, redact: secrets.redact });
    const bartizan = await startBartizan({ config, secrets, logger, actor: 'demo', onRound: story.round });
    opened.push(bartizan);
    story.begin(bartizan.url);

    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => end(untilResolved ? { problem: `stopped by ${signal}` } : {}));
    const limit = untilResolved
      ? setTimeout(() => end({ problem: 'the messages did not arrive within three minutes' }), LIMIT_MS)
      : undefined;
    const { problem } = await ended;
    clearTimeout(limit);
    story.end([...pictures.values()], problem);
    return problem === undefined ? 0 : 1;
  } finally {
    for (const part of opened.reverse()) await part.stop();
  }
}

try {
  const { values } = parseArgs({ options: { 'until-resolved': { type: 'boolean', default: false } } });
  process.exitCode = await main(values['until-resolved']);
} catch (error) {
  const text = describeError(error);
  const hint = text.includes('EADDRINUSE')
    ? '\nThe demo needs ports 22022, 22090, 22101 to 22106 and 22470 of 127.0.0.1. Does another one run?'
    : '';
  process.stderr.write(`demo: ${text}${hint}\n`);
  process.exitCode = 1;
}

// `npm run demo`: a fleet behind a bastion on this machine, and the pipeline that watches it. One node's memory
// climbs, the alert fires, its message arrives with a chart, the node recovers, the alert resolves.
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig, secretsFor } from '../cli/config-file.ts';
import type { Config } from '../core/config/types.ts';
import { describeError } from '../core/errors.ts';
import { createLogger } from '../local/logger.ts';
import { type Bartizan, startBartizan } from '../local/up.ts';
import { type Fleet, startFleet } from './fleet/fleet.ts';
import { climbingMemory, type NodeModel, steadyMemory } from './fleet/node-model.ts';
import { type Sink, type SinkMessage, startSink } from './sink/sink.ts';
import { createStory } from './story.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(root, 'out/demo');
const CONFIG = join(root, 'examples/demo/bartizan.yaml');
const LIMIT_MS = 3 * 60_000;
const CLIMBS = 'seoul-2';
const STORY = { climbMs: 8_000, topMs: 20_000, fallMs: 46_000, endMs: 50_000 };

/** The fleet that the configuration describes, on its ports. */
function startConfiguredFleet(config: Config): Promise<Fleet> {
  const nodes = config.clusters.flatMap((cluster) => cluster.nodes);
  const models = nodes.map(({ name }, seed): NodeModel => {
    const memory = name === CLIMBS ? climbingMemory(STORY, seed + 1) : steadyMemory(48 + seed * 4, seed + 1);
    return { name, seed: seed + 1, memory };
  });
  const ports = [config.bastions[0]?.port ?? 0, ...nodes.map((node) => node.port)];
  return startFleet({ dir: join(OUT, 'nodes'), nodes: models, ports });
}

/** What `bartizan trust` would write after asking. */
function knownHosts(fleet: Fleet): string {
  return [fleet.bastion, ...fleet.nodes]
    .map(({ host, port, hostKey }) => `[${host}]:${port} ${hostKey}\n`)
    .join('');
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'until-resolved': { type: 'boolean', default: false } } });
  await rm(OUT, { recursive: true, force: true });
  await mkdir(join(OUT, 'data'), { recursive: true });
  const webhookSecret = randomBytes(24).toString('hex');
  await writeFile(join(OUT, 'webhook-secret'), webhookSecret, { mode: 0o600 });

  const { config } = await loadConfig(CONFIG);
  const story = createStory(config);
  const opened: { stop(): Promise<void> }[] = [];
  let ended: (code: number) => void = () => undefined;
  const end = new Promise<number>((resolve) => {
    ended = resolve;
  });
  const pictures = new Map<string, string>();
  const onMessage = async (message: SinkMessage) => {
    const { status } = message.payload;
    const path = join(OUT, `demo-${status}.png`);
    if (message.picturePath) {
      await copyFile(message.picturePath, path);
      pictures.set(status, relative(process.cwd(), path));
    }
    story.message(message, pictures.get(status));
    if (status === 'resolved' && values['until-resolved']) ended(pictures.size === 2 ? 0 : 1);
  };
  try {
    const fleet = await startConfiguredFleet(config);
    opened.push(fleet);
    await writeFile(join(OUT, 'id_ed25519'), fleet.privateKey, { mode: 0o600 });
    await writeFile(join(OUT, 'data/known_hosts'), knownHosts(fleet));
    const sink: Sink = await startSink({
      port: 22090,
      secret: webhookSecret,
      dir: join(OUT, 'messages'),
      onMessage,
    });
    opened.push(sink);
    const secrets = secretsFor(CONFIG);
    const logger = createLogger({
      level: 'warn',
      pretty: process.stderr.isTTY === true,
      redact: secrets.redact,
    });
    const bartizan: Bartizan = await startBartizan({
      config,
      secrets,
      logger,
      actor: 'demo',
      onRound: story.round,
    });
    opened.push(bartizan);
    story.begin(bartizan.url);

    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => ended(values['until-resolved'] ? 1 : 0));
    const limit = values['until-resolved'] ? setTimeout(() => ended(1), LIMIT_MS) : undefined;
    const code = await end;
    clearTimeout(limit);
    story.end([...pictures.values()], values['until-resolved'] === true);
    return code;
  } finally {
    for (const part of opened.reverse()) await part.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const hint = taken ? '; the demo needs ports 22022, 22090, 22101 to 22106 and 22470 of 127.0.0.1' : '';
  process.stderr.write(`demo: ${describeError(error)}${hint}\n`);
  process.exitCode = 1;
}

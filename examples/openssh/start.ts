// Starts the servers of examples/openssh/bartizan.yaml, and a receiver for its messages, until it is interrupted.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../cli/config-file.ts';
import { describeError } from '../../core/errors.ts';
import { type Sink, startSink } from '../../localstack/sink/sink.ts';
import { createFleet } from './fleet.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = join(root, 'out/openssh');
const example = join(root, 'examples/openssh/bartizan.yaml');
const say = (text: string) => process.stdout.write(`${text}\n`);

const fleet = createFleet(dir);
const secret = randomBytes(24).toString('hex');
writeFileSync(join(dir, 'webhook-secret'), secret, { mode: 0o600 });

/** The configuration that fits whoever runs this. */
function configFile(): string {
  if (fleet.user === 'root') return example;
  const copy = join(dir, 'bartizan.yaml');
  const text = readFileSync(example, 'utf8').replace('user: root', `user: ${fleet.user}`);
  writeFileSync(copy, text.replaceAll('../../out/openssh/', '').replace('../../docs', join(root, 'docs')));
  return copy;
}

let sink: Sink | undefined;
const stop = async () => {
  await sink?.stop();
  await fleet.stop();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

try {
  const file = configFile();
  const { config } = await loadConfig(file);
  mkdirSync(config.store.path, { recursive: true });
  for (const { name, host, port } of [
    ...config.bastions,
    ...config.clusters.flatMap((cluster) => cluster.nodes),
  ]) {
    await fleet.start({ name, host, port });
    say(`sshd ${name} on ${host}:${port}`);
  }
  sink = await startSink({
    port: 22290,
    secret,
    dir: join(dir, 'messages'),
    onMessage: ({ payload, picturePath }) => {
      say(`\n${payload.text}${picturePath ? `\npicture: ${relative(process.cwd(), picturePath)}` : ''}`);
    },
  });
  const shown = relative(process.cwd(), file);
  say(`\nNow, in another terminal:\n  npx bartizan trust -c ${shown} --yes\n  npx bartizan up -c ${shown}\n`);
} catch (error) {
  await stop();
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}

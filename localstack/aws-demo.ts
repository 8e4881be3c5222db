// `npm run localstack`: deploys the pipeline to an emulator of AWS, with a fleet behind a bastion, and shows the alert
// that arrives.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '../core/errors.ts';
import { deploy } from './deployment.ts';
import { startEmulator } from './emulator.ts';
import { startFleet } from './fleet/fleet.ts';
import { steadyMemory } from './fleet/node-model.ts';
import { forwardPorts } from './port-forwarding.ts';
import { runsSchedules, startRounds } from './rounds.ts';
import { type SinkMessage, startSink } from './sink/sink.ts';
import { createTable, startTimestreamEmulator } from './timestream/emulator.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'out/localstack');
const SECRET = 'localstack-sink';
/**
 * The emulator's schedule starts a round within a minute; the resolved message comes two rounds after the firing one.
 */
const LIMIT_MS = 8 * 60_000;

const { values } = parseArgs({ options: { 'until-resolved': { type: 'boolean', default: false } } });
const print = (text: string) => process.stdout.write(`${text}\n`);
const closing: (() => Promise<unknown>)[] = [];
const stop = async () => {
  for (const close of closing.splice(0).reverse()) await close();
};

try {
  const finished = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => finished.resolve());
  mkdirSync(OUT, { recursive: true });
  const emulator = await startEmulator();
  closing.push(() => emulator.stop());
  print(`emulator of AWS: ${emulator.url}`);
  const timestream = await startTimestreamEmulator();
  closing.push(() => timestream.stop());
  createTable(timestream, { database: 'bartizan', table: 'samples' });
  print(`Timestream emulator: ${timestream.url}`);
  let full = true;
  const fleet = await startFleet({
    dir: join(OUT, 'nodes'),
    nodes: [
      { name: 'seoul-1', seed: 1, memory: (ms) => (full ? 95 : 60) + steadyMemory(1, 1)(ms) / 10 },
      { name: 'seoul-2', seed: 2, memory: steadyMemory(55, 2) },
      { name: 'seoul-3', seed: 3, memory: steadyMemory(40, 3) },
    ],
  });
  closing.push(() => fleet.stop());
  const onMessage = ({ payload, picturePath }: SinkMessage) => {
    print(`\n${payload.text}${picturePath ? `\npicture: ${relative(process.cwd(), picturePath)}` : ''}`);
    if (payload.status === 'firing') full = false;
    else if (values['until-resolved']) finished.resolve();
  };
  const sink = await startSink({ secret: SECRET, dir: join(OUT, 'messages'), onMessage });
  closing.push(() => sink.stop());

  const sinkPort = Number(new URL(sink.url).port);
  const emulatorPort = Number(new URL(timestream.url).port);
  const forwarding = await forwardPorts(process.env.EMULATORS_HOST, [
    fleet.bastion.port,
    sinkPort,
    emulatorPort,
  ]);
  closing.push(() => forwarding.stop());
  const text = configurationOf(forwarding.host);
  const file = join(OUT, 'bartizan.yaml');
  writeFileSync(file, text);
  const parameters = { '/bartizan/ssh-key': fleet.privateKey, '/bartizan/sink-secret': SECRET };
  const { synthMs, deployMs } = await deploy({ emulator, file, parameters, outDir: join(OUT, 'cdk') });
  print(`deployed in ${(deployMs / 1000).toFixed(1)} s, synthesised in ${(synthMs / 1000).toFixed(1)} s`);
  if (!(await runsSchedules(emulator))) {
    print('this emulator runs no schedules, so this process starts the rounds');
    const rounds = startRounds(emulator, print);
    closing.push(async () => rounds.stop());
  }
  print('rounds start at whole minutes; the first message comes half a minute after the first round');
  const limit = values['until-resolved']
    ? setTimeout(
        () => finished.reject(new Error(`nothing resolved within ${LIMIT_MS / 60_000} min`)),
        LIMIT_MS,
      )
    : undefined;
  await finished.promise.finally(() => clearTimeout(limit));
  await stop();

  function configurationOf(emulatorsHost: string): string {
    const seen = (url: string) => url.replace('127.0.0.1', emulatorsHost);
    const node = ({ name, host, port, hostKey }: (typeof fleet.nodes)[number]) =>
      `      - { name: ${name}, role: controlplane, host: ${host}, port: ${port}, hostKeys: ["${hostKey}"] }`;
    const { port, hostKey } = fleet.bastion;
    return `bastions:
  - name: gate
    host: ${emulatorsHost}
    port: ${port}
    user: probe
    privateKey: \${ssm:/bartizan/ssh-key}
    hostKeys: ["${hostKey}"]
clusters:
  - name: nks-seoul-1
    bastion: gate
    nodes:
${fleet.nodes.map(node).join('\n')}
checks: [{ name: usage, probe: usage, every: 1m }]
rules: [{ name: memory-usage, title: Memory usage, metric: mem_usage, above: 90, for: 0s, severity: critical }]
channels: [{ name: sink, type: webhook, url: "${seen(sink.url)}", secret: "\${ssm:/bartizan/sink-secret}" }]
routes: [{ name: all, channels: [sink], groupInterval: 10s }]
store: { type: timestream, database: bartizan, table: samples, region: us-east-1, endpoint: "${seen(timestream.url)}" }
`;
  }
} catch (error) {
  await stop();
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}

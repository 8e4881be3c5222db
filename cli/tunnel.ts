import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createFileInventory } from '../adapters/inventory/file.ts';
import { ProbeError } from '../adapters/ssh/failure.ts';
import { createKeyring } from '../adapters/ssh/keyring.ts';
import { createPinnedKeys } from '../adapters/ssh/known-hosts-file.ts';
import type { LocalEnd } from '../adapters/tunnel/local-listener.ts';
import { type LocalTunnel, openLocalTunnel } from '../adapters/tunnel/tunnel.ts';
import { ConfigError } from '../core/errors.ts';
import { formatMetricValue } from '../core/format.ts';
import type { Config } from '../core/model/config.ts';
import type { LogLevel } from '../core/model/log.ts';
import type { FailureReason } from '../core/model/observation.ts';
import type { Target } from '../core/model/target.ts';
import { bastionsOf } from '../core/plan/ways.ts';
import type { Audit } from '../core/ports.ts';
import { systemClock } from '../local/clock.ts';
import { createLogger } from '../local/logger.ts';
import { withAccessAudit } from './access-audit.ts';
import { actorOf, parseAs } from './actor.ts';
import { withNotes } from './command-notes.ts';
import { secretsFor } from './config-file.ts';
import { loadFleet } from './fleet-config.ts';
import { writeJson } from './json-output.ts';
import { plural } from './problem-report.ts';
import { announceTunnel } from './running-tunnels.ts';
import { selectTargets } from './select-targets.ts';
import { apiPortsOf, fileOfCa, type PortService, serviceOfPort } from './service-of-port.ts';
import { watchStopSignals } from './stop-signals.ts';
import { tunnelShape } from './tunnel-shape.ts';
import { curlLine, openText } from './tunnel-texts.ts';

interface Options {
  config: string;
  via?: 'bastion' | 'node';
  local?: number;
  socket?: string;
  bastion?: string;
  as?: string;
  json?: boolean;
  logLevel: LogLevel;
}

/** Open connections may end by themselves for so long. */
const GRACE_MS = 5_000;

/** The option that chooses one of the bastions of a node. */
export const THROUGH = [
  '--bastion <name>',
  'the bastion to go through, where the node has several; by default the first',
] as const;

export function tunnelCommand(): Command {
  const command = new Command('tunnel')
    .description('Open a local port to a service of a node, through the bastion, until Ctrl-C.')
    .argument('<node>', 'node or cluster/node')
    .argument('<port>', 'port of the service', portArgument)
    .option('-c, --config <file>', 'configuration', 'bartizan.yaml')
    .addOption(
      new Option(
        '--via <hop>',
        'who connects: the bastion to the address of the node, or the node to its loopback; by default as a check of that port does, else the bastion',
      ).choices(['bastion', 'node']),
    )
    .addOption(
      new Option(
        '--local <port>',
        'port of 127.0.0.1 to listen on; 0 is any free one; by default the same port',
      )
        .argParser(localPortArgument)
        .conflicts('socket'),
    )
    .option('--socket <path>', 'listen on a Unix socket that only this user can connect to, and on no port')
    .option(...THROUGH)
    .option('--as <name>', 'your name for the audit, beside the login name; nothing verifies it', parseAs)
    .addOption(
      new Option('--log-level <level>', 'least important lines shown; debug shows the end of each connection')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option('--json', 'describe the open tunnel as JSON')
    .action(async (node: string, port: number, options: Options) => {
      const config = await loadFleet(options.config);
      const target = through(oneTarget(await createFileInventory(config).list(), node), options.bastion);
      const service = serviceOfPort(config.checks, target, port, options.via);
      await withAccessAudit(config, (audit) => runTunnel(config, target, service, options, audit));
    });
  return withNotes(command, {
    examples: [
      ['bartizan tunnel prod-1 6443', 'the API server on port 6443 of this machine'],
      [
        'bartizan tunnel prod/prod-1 2381 --via node',
        "etcd's metrics, which listen on the node's loopback only",
      ],
      ['bartizan tunnel prod-1 6443 --local 0 --json', 'on any free port, for a script'],
      ['bartizan tunnel prod-1 6443 --socket ./api.sock', 'for nobody else on this machine'],
    ],
    text: `It connects to the service once before it says that it is open. When the SSH session dies, its connections are reset and it
logs in again, for up to ten minutes. Every user of this machine can connect to a port of 127.0.0.1, and the service sees the
bastion or the node as the client: on a machine that others use, take --socket. The audit has two lines for each connection.
Our key may connect to what checks ask and \`bartizan keys\` permits; docs/access.md describes ports beyond these.
With a check of the API server, \`bartizan kubeconfig\` writes a kubeconfig for the tunnel.`,
    exits1: 'the local port is in use, the service cannot be reached, or the SSH session is lost for good',
    json: tunnelShape,
  });
}

/** Opens the tunnel, and closes it when a signal comes. @throws ConfigError, and ProbeError when it is lost for good */
async function runTunnel(
  config: Config,
  target: Target,
  service: PortService,
  options: Options,
  audit: Audit,
): Promise<void> {
  const secrets = secretsFor(options.config);
  const pretty = process.stderr.isTTY === true;
  const signals = watchStopSignals();
  const opening = new AbortController();
  void signals.first.then(() => opening.abort());
  try {
    const tunnel = await openLocalTunnel({
      bastion: bastionOf(config, target),
      target,
      via: service.via,
      service,
      local: localEnd(options, service.port),
      sessions: config.sessions,
      keyring: createKeyring(config, secrets),
      hostKeys: createPinnedKeys(join(config.store.path, 'known_hosts')),
      accessor: { kind: 'tunnel', ...actorOf(options.as) },
      nowMs: systemClock.nowMs,
      audit,
      logger: createLogger({ level: options.logLevel, pretty, redact: secrets.redact }),
      signal: opening.signal,
    }).catch((error) => {
      throw signals.came()
        ? new ConfigError('stopped before it was open')
        : explainRoute(error, target, service);
    });
    let withdraw = async () => {};
    try {
      withdraw = await announce(config.store.path, tunnel, target, service);
      describeOpen(tunnel, config, target, service, options);
      await Promise.race([signals.first, tunnel.failed]);
    } finally {
      await withdraw();
      if (tunnel.open() > 0) {
        process.stderr.write(
          `closing: ${plural(tunnel.open(), 'open connection')} may end within ${GRACE_MS / 1000} s; Ctrl-C again resets them\n`,
        );
      }
      void signals.second.then(() => tunnel.cut());
      await tunnel.stop(GRACE_MS);
      process.stderr.write(totalsText(tunnel));
    }
  } finally {
    signals.release();
  }
}

/** Nobody but the operator can change these. */
const TO_ACT_ON: readonly FailureReason[] = ['auth', 'host-key', 'host-key-unknown', 'forbidden', 'config'];

/** Says which hop failed, and what else may help. */
function explainRoute(error: unknown, target: Target, { via }: PortService): unknown {
  if (!(error instanceof ProbeError)) return error;
  const { phase, reason, detail } = error.failure;
  const make = (text: string) => (TO_ACT_ON.includes(reason) ? new ConfigError(text) : new Error(text));
  if (phase === 'bastion') return make(`bastion ${target.bastion}: ${detail}`);
  if (phase !== 'connect') return make(`${target.cluster}/${target.node}: ${detail}`);
  if (reason === 'forbidden') return make(`${detail}; it permits ports that checks ask (docs/access.md)`);
  const isLoopback = via === 'bastion' && (reason === 'unreachable' || reason === 'timeout');
  return make(isLoopback ? `${detail}; what listens on the node's loopback only needs --via node` : detail);
}

/** A port of the far side. @throws InvalidArgumentError */
export function portArgument(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('It is a number from 1 to 65535.');
  return port;
}

function localPortArgument(text: string): number {
  return /^0+$/.test(text) ? 0 : portArgument(text);
}

function localEnd({ local, socket }: Options, port: number): LocalEnd {
  return socket === undefined ? { port: local ?? port } : { socket };
}

/** @throws ConfigError unless the name means one node */
export function oneTarget(all: readonly Target[], name: string): Target {
  const [first, ...more] = selectTargets(all, [name]);
  if (first === undefined) throw new ConfigError(`no node is called ${name}`);
  if (more.length === 0) return first;
  const names = [first, ...more].slice(0, 5).map(({ cluster, node }) => `${cluster}/${node}`);
  const others = more.length + 1 - names.length;
  throw new ConfigError(
    `${name} means ${more.length + 1} nodes; choose one: ${names.join(', ')}${others > 0 ? ` and ${others} more` : ''}`,
  );
}

/** The target behind one of its bastions. @throws ConfigError when that does not lead to it */
export function through(target: Target, bastion: string | undefined): Target {
  if (bastion === undefined) return target;
  const names = bastionsOf(target);
  if (names.includes(bastion)) return { ...target, bastion };
  const { cluster, node } = target;
  throw new ConfigError(
    `bastion ${bastion} does not lead to ${cluster}/${node}; there is ${names.join(', ')}`,
  );
}

export function bastionOf(
  { bastions }: Pick<Config, 'bastions'>,
  target: Target,
): Config['bastions'][number] {
  const bastion = bastions.find(({ name }) => name === target.bastion);
  if (!bastion) throw new ConfigError(`no bastion is called ${target.bastion}`);
  return bastion;
}

async function announce(
  storePath: string,
  { end }: LocalTunnel,
  { cluster, node, bastion }: Target,
  service: PortService,
) {
  if ('socket' in end) return async () => {};
  const { via, port } = service;
  const openedAtMs = systemClock.nowMs();
  return announceTunnel(storePath, {
    pid: process.pid,
    cluster,
    node,
    bastion,
    via,
    port,
    localPort: end.port,
    openedAtMs,
  });
}

function describeOpen(
  { end }: LocalTunnel,
  config: Config,
  target: Target,
  service: PortService,
  { config: file, json }: Options,
): void {
  const caFile = fileOfCa(service.ca, file);
  const curl = curlLine(service, end, caFile);
  const { cluster, node, bastion } = target;
  if (json) {
    const { via, host, port, tls } = service;
    const local = 'socket' in end ? { socket: end.socket } : { host: '127.0.0.1', port: end.port };
    writeJson(tunnelShape, { pid: process.pid, local, cluster, node, bastion, via, host, port, tls, curl });
    return;
  }
  const isApi = apiPortsOf(config.checks, target).includes(service.port);
  process.stdout.write(openText({ end, target, service, curl, caFile, isApi }));
}

function totalsText(tunnel: LocalTunnel): string {
  const { connections, bytes, bytesSent, refused } = tunnel.totals();
  const refusals = refused > 0 ? `; refused: ${refused}` : '';
  const amount = (value: number) => formatMetricValue(value, { unit: 'bytes' });
  return `closed: ${plural(connections, 'connection')}, ${amount(bytes)} received, ${amount(bytesSent)} sent${refusals}\n`;
}

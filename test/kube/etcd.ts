// Real members of etcd on loopback, with plain HTTP: one, or several that make a cluster.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../localstack/free-port.ts';
import { until } from '../until.ts';
import { type Answer, type AskOptions, ask } from './ask.ts';
import { type Daemon, startDaemon, waitForReady } from './daemon.ts';

export interface EtcdMember {
  name: string;
  /** For clients: gRPC, and JSON below /v3. */
  clientUrl: string;
  /** Plain health and metrics, as kubeadm has them on 127.0.0.1:2381. */
  metricsUrl: string;
  dataDir: string;
  /** Starts it again, on its data. Resolves when it listens, which is before the cluster has a leader. */
  start(): Promise<void>;
  /** Stops its process where it is, so that it answers nobody, and lets it go on. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export interface Etcd {
  members: readonly EtcdMember[];
  /** Addresses for kube-apiserver's `--etcd-servers`. */
  clientUrls: readonly string[];
  /** @throws Error with etcd's message when it refuses */
  put(key: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

export interface EtcdOptions {
  /** Path of the program. */
  program: string;
  /** Folder for data and logs. */
  dir: string;
  /** Default: one. */
  members?: number;
  quotaBytes?: number;
}

const LISTENS_WITHIN_MS = 60_000;

/** Resolves when every member is healthy. When one does not start nothing is left running. */
export async function startEtcd({
  program,
  dir,
  members: count = 1,
  quotaBytes,
}: EtcdOptions): Promise<Etcd> {
  const plans = await Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      name: `etcd-${i + 1}`,
      client: `http://127.0.0.1:${await freePort()}`,
      peer: `http://127.0.0.1:${await freePort()}`,
      metrics: `http://127.0.0.1:${await freePort()}`,
    })),
  );
  const cluster = plans.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const members = plans.map(({ name, client, peer, metrics }): EtcdMember => {
    const dataDir = join(dir, name);
    let daemon: Daemon | undefined;
    const command = [
      program,
      `--name=${name}`,
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${cluster}`,
      `--listen-metrics-urls=${metrics}`,
      ...(quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`]),
    ];
    const signal = (name: NodeJS.Signals) => {
      if (daemon) process.kill(daemon.pid, name);
    };
    return {
      name,
      clientUrl: client,
      metricsUrl: metrics,
      dataDir,
      async start() {
        daemon = startDaemon(command, join(dir, `${name}.log`));
        await waitForReady(name, daemon, LISTENS_WITHIN_MS, async () => (await ask(metrics)).status > 0);
      },
      freeze: () => signal('SIGSTOP'),
      thaw: () => signal('SIGCONT'),
      stop: async () => daemon?.stop(),
    };
  });
  const stop = async () => {
    await Promise.all(members.map((member) => member.stop()));
  };
  mkdirSync(dir, { recursive: true });
  try {
    await Promise.all(members.map((member) => member.start()));
    for (const { name, metricsUrl } of members)
      await until(`${name} is healthy`, async () => (await ask(`${metricsUrl}/health`)).status === 200);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    members,
    clientUrls: members.map(({ clientUrl }) => clientUrl),
    put: (key, value) =>
      putValue((path, options) => ask(`${members[0]?.clientUrl}${path}`, options), key, value),
    stop,
  };
}

/** Writes a value over the JSON of etcd's gateway; `send` asks a member for a path. @throws Error with its refusal */
export async function putValue(
  send: (path: string, options: AskOptions) => Promise<Answer>,
  key: string,
  value: string,
): Promise<void> {
  const [encodedKey, encodedValue] = [key, value].map((text) => Buffer.from(text).toString('base64'));
  const body = JSON.stringify({ key: encodedKey, value: encodedValue });
  const answer = await send('/v3/kv/put', { method: 'POST', body });
  if (answer.status !== 200) throw new Error(`etcd refused a value: ${answer.status} ${answer.body}`);
}

// Debian's Alertmanager in its own process on loopback, with an empty folder.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../localstack/free-port.ts';
import { startServer } from './prometheus-servers.ts';

export interface AlertmanagerServer {
  url: string;
  /** Of its cluster. */
  peer: string;
  /** Kills it. */
  stop(): Promise<void>;
  /** Starts it again where it was, with what it had stored. */
  start(): Promise<void>;
  /** Removes its folder, too. */
  remove(): Promise<void>;
}

const CONFIG = `route: { receiver: nobody, group_by: [alertname], group_wait: 0s }
receivers: [{ name: nobody }]
`;

export async function startAlertmanager({
  peers = [],
}: {
  peers?: readonly string[];
} = {}): Promise<AlertmanagerServer> {
  const [port, clusterPort] = [await freePort(), await freePort()];
  const dir = mkdtempSync(join(tmpdir(), 'alertmanager-'));
  const peer = `127.0.0.1:${clusterPort}`;
  let running: { stop(): Promise<void> } | undefined;

  async function start(): Promise<void> {
    writeFileSync(join(dir, 'alertmanager.yml'), CONFIG);
    running = await startServer(
      'prometheus-alertmanager',
      port,
      join(dir, 'none'),
      '/-/ready',
      async () => {},
      [
        `--config.file=${join(dir, 'alertmanager.yml')}`,
        `--storage.path=${join(dir, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        `--cluster.listen-address=${peer}`,
        ...peers.map((other) => `--cluster.peer=${other}`),
        '--log.level=error',
      ],
    );
  }

  async function stop(): Promise<void> {
    await running?.stop();
    running = undefined;
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    peer,
    stop,
    start,
    async remove() {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

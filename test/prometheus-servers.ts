// Debian's prometheus and victoria-metrics, each in its own process on loopback with an empty folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import axios from 'axios';
import { freePort } from '../localstack/free-port.ts';
import { scaledMs } from './machine-speed.ts';
import { findProgram } from './program-path.ts';

export interface MetricsServer {
  url: string;
  /** Resolves when written samples can be read. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

const UP_WITHIN_MS = scaledMs(30_000);

export interface PrometheusOptions {
  /** The server accepts samples out of order that are this much older than the newest of all series. */
  windowMs: number;
  /** Elements of `scrape_configs`. */
  scrape?: readonly object[];
}

export async function startPrometheus({ windowMs, scrape = [] }: PrometheusOptions): Promise<MetricsServer> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const storage = { tsdb: { out_of_order_time_window: `${windowMs / 1000}s` } };
  // JSON is YAML.
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify({ storage, scrape_configs: scrape }));
  return startServer('prometheus', port, dir, '/-/ready', async () => {}, [
    `--config.file=${join(dir, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    '--storage.tsdb.retention.time=1y',
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--log.level=error',
  ]);
}

export async function startVictoriaMetrics(): Promise<MetricsServer> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'victoria-metrics-'));
  const flush = async () => {
    await axios.get(`http://127.0.0.1:${port}/internal/force_flush`);
  };
  return startServer('victoria-metrics', port, dir, '/health', flush, [
    `-storageDataPath=${dir}`,
    '-retentionPeriod=1y',
    `-httpListenAddr=127.0.0.1:${port}`,
    '-search.latencyOffset=0s',
    '-search.disableCache',
    '-loggerLevel=ERROR',
  ]);
}

/** Any program that listens on a port, and answers 200 at `ready` when it can be used. */
export async function startServer(
  name: string,
  port: number,
  dir: string,
  ready: string,
  settle: () => Promise<void>,
  args: readonly string[],
): Promise<MetricsServer> {
  const program = findProgram(name);
  if (program === undefined) throw new Error(`there is no ${name} here: apt-get install ${name}`);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await end(child);
    rmSync(dir, { recursive: true, force: true });
  };
  for (const endMs = Date.now() + UP_WITHIN_MS; ; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`${name} ended with exit code ${child.exitCode}`);
    const answer = await axios.get(url + ready, { validateStatus: () => true }).catch(() => undefined);
    if (answer?.status === 200) return { url, settle, stop };
    if (Date.now() > endMs) {
      await stop();
      throw new Error(`${name} was not ready within ${UP_WITHIN_MS / 1000} s`);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

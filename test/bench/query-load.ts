// Clients that ask heavy queries without a pause, in a process of their own: `query-load.ts URL CLIENTS HOURS`. A line on stdin starts
// them; at the next one they leave, and it is answered by how many answers came, by status.
import { Agent, get } from 'node:http';
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';

const [base = '', clients = '1', hours = '1'] = process.argv.slice(2);
const HOUR_MS = 3_600_000;
const PROMQL = [
  '{__name__=~"bartizan_.+"}',
  'topk(10, bartizan_disk_usage_percent)',
  'quantile_over_time(0.9, bartizan_mem_usage_percent{node=~".*[02468]"}[15m])',
  'sum by (mount) (rate(bartizan_disk_usage_percent[5m])) / count by (mount) (bartizan_disk_usage_percent)',
  'bartizan_disk_usage_percent{mount=~"/.*",node=~"(target-|x)+[0-9]+"}',
];

let agent = new Agent({ keepAlive: true });
let isRunning = false;
let asked = 0;
let tally: Record<string, number> = {};
let running: Promise<void>[] = [];

// Clients of a real server are on other machines.
setPriority(constants.priority.PRIORITY_LOW);

function nextPath(): string {
  const toMs = Date.now();
  const fromMs = toMs - Number(hours) * HOUR_MS;
  const range = { start: String(fromMs / 1_000), end: String(toMs / 1_000), step: '60' };
  const promql = PROMQL.map((query) => `/api/v1/query_range?${new URLSearchParams({ query, ...range })}`);
  const own = { from: String(fromMs), to: String(toMs) };
  const paths = [
    ...promql,
    `/v1/range?${new URLSearchParams({ ...own, metric: 'disk_usage', bins: '200' })}`,
    `/v1/backtests?${new URLSearchParams(own)}`,
  ];
  return paths[asked++ % paths.length] as string;
}

function ask(path: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const request = get(`${base}${path}`, { agent }, (response) => {
    response.resume();
    response.once('close', () => resolve(response.complete ? String(response.statusCode) : 'broken'));
  });
  request.once('error', () => resolve('broken'));
  return promise;
}

async function runClient(): Promise<void> {
  while (isRunning) {
    const status = await ask(nextPath());
    if (!isRunning) return;
    tally[status] = (tally[status] ?? 0) + 1;
  }
}

for await (const _ of createInterface({ input: process.stdin })) {
  isRunning = !isRunning;
  if (isRunning) running = Array.from({ length: Number(clients) }, runClient);
  else {
    agent.destroy();
    agent = new Agent({ keepAlive: true });
    await Promise.all(running);
  }
  process.stdout.write(`${JSON.stringify(tally)}\n`);
  if (isRunning) tally = {};
}
process.exit(0);

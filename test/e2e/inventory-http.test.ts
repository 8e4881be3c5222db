// Clusters come from the HTTP service of a provisioner, in pages: `up` probes them, says how many are watched, and when the service
// has been silent for too long, restarts included.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { payloadSchema, type WebhookPayload } from '../../adapters/channels/webhook/payload.ts';
import { createSecrets } from '../../adapters/secrets/secrets.ts';
import { loadConfig } from '../../cli/config-file.ts';
import { type Bartizan, startBartizan } from '../../local/up.ts';
import { type Fleet, startFleet } from '../../localstack/fleet/fleet.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { until } from '../until.ts';

const TOKEN = 'inventory-t0ken-0123456789';
const logger = createRecordingLogger();
let dir: string;
let fleet: Fleet;
let bartizan: Bartizan | undefined;
let aheadMs = 0;
let isDown = false;
let ports: number[] = [];
const messages: WebhookPayload[] = [];
/** Takes messages of any time: the clock of `up` is ahead of ours. */
const receiver = createServer(async (request, response) => {
  messages.push(payloadSchema.parse(JSON.parse(await text(request))));
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});
/** What the service refused. */
const wrong: string[] = [];

/** One cluster a page. It refuses whatever is not asked for as its description says. */
const service = createServer((request, response) => {
  const { method, url = '', headers } = request;
  const page = Number(/^\/v1\/sites\?page=(\d)$/.exec(url)?.[1]);
  const isRight =
    method === 'GET' &&
    headers.authorization === `Bearer ${TOKEN}` &&
    headers.accept === 'application/json' &&
    headers['if-none-match'] === undefined &&
    page >= 1 &&
    page <= ports.length;
  if (!isRight) {
    wrong.push(`${method} ${url}`);
    return void response.writeHead(400).end('not as described');
  }
  if (isDown) return void response.writeHead(503).end('maintenance');
  const member = { hostname: `n${page}`, address: { ip: '127.0.0.1', port: ports[page - 1] } };
  const next = page < ports.length ? `/v1/sites?page=${page + 1}` : null;
  response
    .writeHead(200, { 'content-type': 'application/json', etag: `"${page}"` })
    .end(JSON.stringify({ sites: [{ id: `site-${page}`, members: [member] }], links: { next } }));
});

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-inventory-http-'));
  fleet = await startFleet({
    dir: join(dir, 'nodes'),
    nodes: [1, 2, 3].map((i) => ({ name: `n${i}`, seed: i, memory: () => 50 })),
  });
  ports = fleet.nodes.map(({ port }) => port).slice(0, 2);
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'data/known_hosts'), fleet.knownHosts);
  writeFileSync(join(dir, 'key'), fleet.privateKey, { mode: 0o600 });
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/v1/sites?page=1`;
  writeFileSync(
    join(dir, 'bartizan.yaml'),
    `
bastions: [{ name: gate, host: 127.0.0.1, port: ${fleet.bastion.port}, user: probe, privateKey: "\${file:key}" }]
inventory:
  - type: http
    name: sites
    url: ${url}
    bearerToken: "\${env:TOKEN}"
    list: sites
    next: links.next
    cluster: { name: id, nodes: members }
    clusterDefaults: { bastion: gate }
    node: { name: hostname, host: address.ip, port: address.port }
    nodeDefaults: { role: etcd, user: probe }
checks: [{ name: usage, probe: usage, every: 1s }]
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:${(receiver.address() as AddressInfo).port}/", picture: none }]
routes: [{ name: all, channels: [ops], groupInterval: 0s }]
store: { path: data }
schedule: { jitter: 0s }
server: { listen: "127.0.0.1:0" }
`,
  );
});
afterAll(async () => {
  await bartizan?.stop();
  await fleet.stop();
  receiver.closeAllConnections();
  receiver.close();
  service.closeAllConnections();
  service.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const { config } = await loadConfig(join(dir, 'bartizan.yaml'));
  bartizan = await startBartizan({
    config,
    secrets: createSecrets({ baseDir: dir, env: { TOKEN } }),
    logger,
    clock: { nowMs: () => Date.now() + aheadMs },
  });
}
/** Own metrics by their name with labels. */
async function metrics(): Promise<Record<string, number>> {
  const page = await (await fetch(`${bartizan?.url}/metrics`)).text();
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [/^(.*) \S+$/.exec(line)?.[1], Number(/\S+$/.exec(line)?.[0])]),
  );
}
const shows = (name: string, value: number) =>
  until(`${name} is ${value}`, async () => (await metrics())[`bartizan_${name}`] === value, {
    seen: () => JSON.stringify(logger.lines.slice(-5)),
  });
const sent = () => messages.flatMap(({ alerts }) => alerts.map(({ rule, status }) => `${rule} ${status}`));

it('`up` watches the nodes of all pages, and of a page that is added', async () => {
  await start();
  await shows('nodes_watched', 2);
  ports = fleet.nodes.map(({ port }) => port);
  aheadMs += 30_000;
  await shows('nodes_watched', 3);
  expect(await metrics()).toMatchObject({
    bartizan_nodes_unwatched: 0,
    'bartizan_nodes_unwatched_by_reason{reason="never-seen"}': 0,
    'bartizan_inventory_entries{source="http sites"}': 3,
  });
  expect(wrong).toEqual([]);
});

it('a service that is silent for an hour is an alert, which a restart does not end, and an answer does', async () => {
  isDown = true;
  aheadMs += 61 * 60_000;
  await until('the alert is sent', () => sent().includes('inventory-silent firing'));
  await bartizan?.stop();
  await start();
  await shows('nodes_watched', 3);
  expect((await metrics())['bartizan_inventory_answer_age_seconds{source="http sites"}']).toBeGreaterThan(
    3_600,
  );
  expect(sent()).toEqual(['inventory-silent firing']);
  isDown = false;
  aheadMs += 30_000;
  await until('its end is sent', () => sent().includes('inventory-silent resolved'));
  expect(sent()).toEqual(['inventory-silent firing', 'inventory-silent resolved']);
  expect(wrong).toEqual([]);
  expect(JSON.stringify(logger.lines)).not.toContain(TOKEN);
});

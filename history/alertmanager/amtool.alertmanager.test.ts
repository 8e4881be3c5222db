// Debian's amtool against our interface, over a real port.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../test/program-path.ts';
import { createAlertmanagerFixture } from './alertmanager.fixture.ts';

let fixture: Awaited<ReturnType<typeof createAlertmanagerFixture>>;
let service: ReturnType<typeof fixture.open>;
let server: Server;
let dir: string;
let authorization: string | undefined;

beforeEach(async () => {
  fixture = await createAlertmanagerFixture();
  service = fixture.open();
  // amtool makes silences by the clock of the machine.
  fixture.clock.ms = Date.now();
  const listener = getRequestListener((request) => {
    authorization = request.headers.get('authorization') ?? undefined;
    return service.app.fetch(request, {});
  });
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  dir = mkdtempSync(join(tmpdir(), 'amtool-'));
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function amtool(...args: string[]) {
  return run(`--alertmanager.url=${url()}`, '--no-version-check', ...args);
}

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string; err: string }>();
  const options = { env: { HOME: dir }, timeout: 60_000 };
  execFile(findProgram('amtool') ?? '', args, options, (error, out, err) =>
    resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
  );
  return promise;
}

async function amtoolOut(...args: string[]): Promise<string> {
  const { code, out, err } = await amtool(...args);
  expect([code, err]).toEqual([0, '']);
  return out.trim();
}

async function amtoolJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await amtoolOut('-o', 'json', ...args)) as T;
}

type Shown = { labels: Record<string, string>; status: { silencedBy: string[] } };
const alertsBy = async (...args: string[]) =>
  (await amtoolJson<Shown[]>('alert', 'query', ...args))
    .map(({ labels }) => `${labels.alertname} ${labels.node}`)
    .sort();

describe('amtool', () => {
  it('lists alerts', async () => {
    // Without flags those that nothing suppresses.
    expect(await alertsBy()).toEqual(['memory a', 'memory b', 'node-down b', 'quiet d']);
    expect(await alertsBy('memory')).toEqual(['memory a', 'memory b']);
    expect(await alertsBy('--inhibited')).toEqual(['load b']);
    expect(await alertsBy('node=~"[ab]"', 'alertname!=memory')).toEqual(['node-down b']);
    expect(await alertsBy('--receiver=_nobody')).toEqual(['quiet d']);
    const table = await amtoolOut('alert', 'query', 'memory', 'node=a');
    expect(table).toMatch(/memory +2026-12-01 11:55:00 UTC +a uses 94\.1%.* active/);
    expect(await amtoolOut('-o', 'extended', 'alert', 'query', 'memory', 'node=a')).toMatch(
      /customer="acme".*runbook_url="https:\/\/run\.example\/memory"/,
    );
  });

  it('adds, lists, changes and ends a silence', async () => {
    const id = await amtoolOut(
      ...['silence', 'add', 'memory', 'node=~"a|x"', '-d', '2h', '-a', 'ada', '-c', 'disk swap'],
    );
    expect(await fixture.state.listSilences({ endedAfterMs: 0 })).toMatchObject([
      {
        id,
        matchers: [
          { name: 'rule', op: '=', value: 'memory' },
          { name: 'node', op: '=~', value: 'a|x' },
        ],
        author: 'ada (token test)',
        comment: 'disk swap',
      },
    ]);
    expect(await amtoolOut('silence', 'query')).toMatch(
      new RegExp(`${id} +alertname="memory" node=~"a\\|x" .* ada \\(token test\\) +disk swap`),
    );
    fixture.clock.ms = Date.now();
    expect(await alertsBy('--silenced')).toEqual(['memory a']);
    expect(await alertsBy()).toEqual(['memory b', 'node-down b', 'quiet d']);

    expect(await amtoolOut('silence', 'update', '-d', '3h', '-c', 'two disks', id)).toContain(id);
    const ids = await amtoolJson<{ id: string; comment: string }[]>('silence', 'query');
    expect(ids).toMatchObject([{ id, comment: 'two disks' }]);

    // amtool leaves out what has ended by the clock of the machine.
    fixture.clock.ms = Date.now();
    await amtoolOut('silence', 'expire', id);
    fixture.clock.ms = Date.now();
    expect(await amtoolJson('silence', 'query')).toEqual([]);
    expect(await amtoolJson('silence', 'query', '--expired')).toMatchObject([{ id }]);
    expect(await alertsBy()).toContain('memory a');
    expect(service.actions.map(({ action }) => action)).toEqual([
      'silence-added',
      'silence-changed',
      'silence-ended',
    ]);
  });

  it('gets a sentence for what is refused', async () => {
    const all = await amtool('silence', 'add', 'node=~".*"', '-c', 'everything');
    expect(all.code).toBe(1);
    expect(all.err).toContain('the silence covers everything');
    const added = await amtool('alert', 'add', 'alertname=x');
    expect(added.err).toContain('alerts come from the rules of the configuration');
    expect((await amtool('silence', 'expire', crypto.randomUUID())).code).toBe(1);
    expect(await fixture.state.listSilences({ endedAfterMs: 0 })).toEqual([]);
  });

  it('imports what it exported', async () => {
    await amtoolOut('silence', 'add', 'memory', 'severity!~"info|critical"', '-d', '2h', '-c', 'swap');
    const exported = join(dir, 'silences.json');
    writeFileSync(exported, await amtoolOut('-o', 'json', 'silence', 'query'));
    const before = await fixture.state.listSilences({ endedAfterMs: 0 });
    await amtoolOut('silence', 'import', '--force', exported);
    const after = await fixture.state.listSilences({ endedAfterMs: 0 });
    expect(after.map(({ matchers, comment }) => [matchers, comment])).toEqual(
      [...before, ...before].map(({ matchers, comment }) => [matchers, comment]),
    );
  });

  it('sends the token of its configuration, which is as docs/api.md shows it', async () => {
    const folder = join(dir, '.config', 'prometheus');
    mkdirSync(folder, { recursive: true });
    const [, section = ''] = readFileSync('docs/api.md', 'utf8').split('### amtool');
    const [own = '', login = ''] = [...section.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) =>
      yaml.replaceAll('/home/ada', dir).replaceAll('http://127.0.0.1:9470', url()),
    );
    writeFileSync(join(folder, 'amtool.yml'), own);
    writeFileSync(join(folder, 'bartizan.yml'), login);
    writeFileSync(join(folder, 'bartizan-token'), 'bzt_1_abc\n');
    expect(await run('silence', 'query')).toMatchObject({ code: 0, err: '' });
    expect(authorization).toBe('Bearer bzt_1_abc');
  });

  it('shows the status, which differs in its version at most', async () => {
    expect(await amtoolOut('cluster', 'show')).toMatch(/Cluster Status: +disabled/);
    expect(await amtoolOut('config', 'show')).toContain('This is Bartizan');
  });
});

// `tunnel` as a user runs it, through real OpenSSH servers that confine its key as `bartizan keys` prints.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../adapters/audit/read-chain.ts';
import { freePort } from '../localstack/free-port.ts';
import { until, useServers } from '../test/openssh/servers.ts';
import { createTunnelFixture, type TunnelFixture } from '../test/openssh/tunnel-fixture.ts';
import { listRunningTunnels } from './running-tunnels.ts';

useServers();

const HOST = '127.0.0.2';
let fixture: TunnelFixture;
let service: Server;
let loopback: Server;
let port: number;
let nodePort: number;

async function serveHttp(host: string): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/never') return;
    request.pipe(response);
    response.setHeader('x-host', request.headers.host ?? '');
    if (request.method === 'GET') response.end(`${host} answers ${request.url}`);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

beforeAll(async () => {
  service = await serveHttp(HOST);
  loopback = await serveHttp('127.0.0.1');
  port = (service.address() as AddressInfo).port;
  nodePort = (loopback.address() as AddressInfo).port;
  fixture = await createTunnelFixture(
    'tunnel',
    `[{ name: web, probe: http, port: ${port}, path: /health }, { name: own, probe: http, via: node, port: ${nodePort} }, { name: usage, probe: usage }]`,
    HOST,
  );
});
afterAll(() => {
  fixture?.close();
  for (const server of [service, loopback]) {
    server?.closeAllConnections();
    server?.close();
  }
});

const shell = async (line: string) => (await promisify(execFile)('sh', ['-c', line])).stdout;
/** The lines about one connection, without its first try. */
const connections = () =>
  fixture.audit().filter(({ event, connection }) => event && !/-0$/.test(String(connection)));

describe('an open tunnel', () => {
  it('prints a line of curl that works, and ends cleanly', async () => {
    const tunnel = await fixture.tunnel('prod/n1', `${port}`, '--local', '0', '--as', 'kim');
    expect(tunnel.open).toMatchObject({
      cluster: 'prod',
      node: 'n1',
      bastion: 'gate',
      via: 'bastion',
      host: HOST,
      port,
      tls: false,
    });
    expect(await shell(`${tunnel.open.curl} -sS`)).toBe(`${HOST} answers /health`);
    expect(await tunnel.stop('SIGINT')).toBe(0);
    expect(tunnel.err()).toMatch(/closed: 1 connection, \d+ B received, \d+ B sent\n$/);
    const [opened, closed] = connections().slice(-2);
    expect(opened).toMatchObject({
      kind: 'tunnel',
      unverifiedActor: 'kim',
      event: 'opened',
      outcome: 'opened',
    });
    expect(closed).toMatchObject({ event: 'closed', outcome: 'ok', connection: opened?.connection });
    expect(Number(closed?.bytes)).toBeGreaterThan(100);
    expect(Number(closed?.bytesSent)).toBeGreaterThan(50);
    expect(await verifyAudit(join(fixture.folder, 'data/cli/audit.jsonl'))).toMatchObject({ ok: true });
  });

  it("reaches what listens on the node's loopback only, as its check does", async () => {
    const tunnel = await fixture.tunnel('n1', `${nodePort}`, '--local', '0');
    expect(tunnel.open).toMatchObject({ via: 'node', host: '127.0.0.1' });
    expect(await shell(`${tunnel.open.curl} -sS`)).toBe('127.0.0.1 answers /');
    expect(await tunnel.stop()).toBe(0);
  });

  it('may be a Unix socket that only this user can connect to', async () => {
    const socket = join(fixture.folder, 'web.sock');
    const tunnel = await fixture.tunnel('n1', `${port}`, '--socket', socket);
    expect((statSync(socket).mode & 0o777).toString(8)).toBe('600');
    expect(await shell(`${tunnel.open.curl} -sS`)).toBe(`${HOST} answers /health`);
    expect(await tunnel.stop()).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it('lets other commands run beside it', async () => {
    const tunnel = await fixture.tunnel('n1', `${port}`, '--local', '0');
    const probed = await fixture.run('probe', '--json');
    expect([probed.code, probed.err]).toEqual([0, '']);
    expect(await shell(`${tunnel.open.curl} -sS`)).toBe(`${HOST} answers /health`);
    await tunnel.stop();
    expect(await verifyAudit(join(fixture.folder, 'data/cli/audit.jsonl'))).toMatchObject({ ok: true });
  });

  it('resets its connections when the bastion ends the session, and reaches the service again', async () => {
    const tunnel = await fixture.tunnel('n1', `${port}`, '--local', '0');
    const local = tunnel.open.local.port ?? 0;
    const client = connect(local, '127.0.0.1');
    client.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => connections().at(-1)?.event === 'opened');
    const reset = once(client, 'error');
    // The listening sshd stays.
    for (const pid of childrenOf(fixture.hop.process.pid ?? 0)) process.kill(pid, 'SIGKILL');
    expect(((await reset)[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
    expect(await shell(`${tunnel.open.curl} -sS`)).toBe(`${HOST} answers /health`);
    expect(tunnel.err()).toContain('the SSH session was lost');
    await tunnel.stop();
    expect(
      connections()
        .filter(({ event }) => event === 'closed')
        .slice(-2),
    ).toMatchObject([{ outcome: 'protocol' }, { outcome: 'ok' }]);
  });

  it('that is killed leaves the line of each connection, and no trace that misleads `kubeconfig`', async () => {
    const tunnel = await fixture.tunnel('n1', `${port}`, '--local', '0');
    const local = tunnel.open.local.port ?? 0;
    expect(await listRunningTunnels(join(fixture.folder, 'data'))).toMatchObject([
      { localPort: local, port },
    ]);
    const client = connect(local, '127.0.0.1');
    client.on('error', () => {});
    client.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => connections().at(-1)?.event === 'opened');
    expect(await tunnel.stop('SIGKILL')).toBe('SIGKILL');
    expect(connections().at(-1)).toMatchObject({ event: 'opened', target: 'prod/n1' });
    expect(await verifyAudit(join(fixture.folder, 'data/cli/audit.jsonl'))).toMatchObject({ ok: true });
    expect(await listRunningTunnels(join(fixture.folder, 'data'))).toEqual([]);
    expect(readdirSync(join(fixture.folder, 'data/cli/tunnels'))).toEqual([]);
  });
});

describe('is an error in words', () => {
  it('where our key may not connect to the port', async () => {
    const other = await freePort();
    const { code, out, err } = await fixture.run('tunnel', 'n1', `${other}`, '--local', '0');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`the bastion forbids forwarding to ${HOST}:${other}`);
    expect(err).toMatch(/it permits ports that checks ask \(docs\/access\.md\)\n$/);
  });

  it('where nothing listens', async () => {
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
    const { code, err } = await fixture.run('tunnel', 'n1', `${port}`, '--local', '0');
    service.listen(port, HOST);
    await once(service, 'listening');
    expect(code).toBe(1);
    expect(err).toMatch(
      new RegExp(
        `the bastion did not reach ${HOST}:${port} \\(.*\\); what listens on the node's loopback only needs --via node`,
      ),
    );
  });

  it('where the local port is in use', async () => {
    const { code, err } = await fixture.run('tunnel', 'n1', `${port}`, '--local', `${nodePort}`);
    expect([code, err]).toEqual([
      1,
      `bartizan: port ${nodePort} of this machine is in use; choose another one with --local, or any free one with --local 0\n`,
    ]);
  });
});

/** From /proc: the processes that this one has started. */
function childrenOf(parent: number): number[] {
  const file = `/proc/${parent}/task/${parent}/children`;
  return readFileSync(file, 'utf8').trim().split(' ').map(Number);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { framed, MOST_BYTES, syslogMessage } from '../../core/audit/syslog-message.ts';
import type { SyslogConfig } from '../../core/model/config.ts';
import { makeAuthority } from '../../test/certificates.ts';
import { findProgram } from '../../test/program-path.ts';
import { until } from '../../test/until.ts';
import { connectSyslog } from './syslog.ts';

let dir: string;
let rsyslogd: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-rsyslog-'));
});
afterEach(async () => {
  if (rsyslogd && rsyslogd.exitCode === null) {
    rsyslogd.kill('SIGKILL');
    await once(rsyslogd, 'exit');
  }
  rmSync(dir, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether the kernel has a listening socket on this port of the loopback. */
function isListening(port: number): boolean {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  return readFileSync('/proc/net/tcp', 'utf8').includes(local);
}

/** Starts a server that writes what it understood of each message as a line of JSON. */
async function startRsyslog(input: (port: number) => string): Promise<number> {
  const port = await freePort();
  writeFileSync(
    join(dir, 'rsyslog.conf'),
    `${input(port)}
template(name="understood" type="list" option.jsonf="on") {
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="program" name="app-name" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="id" name="msgid" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="data" name="structured-data" format="jsonf")
  property(outname="text" name="msg" format="jsonf")
}
template(name="line" type="string" string="%structured-data%\\n")
action(type="omfile" file="${dir}/out" template="understood" asyncWriting="off" flushOnTXEnd="on")
`,
  );
  const program = findProgram('rsyslogd') ?? 'rsyslogd';
  const args = ['-n', '-f', join(dir, 'rsyslog.conf'), '-i', join(dir, 'pid')];
  rsyslogd = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  // Without a handshake: a connection that ends early is an error in its log.
  await until('rsyslogd listens', () => isListening(port));
  return port;
}

const fields = (i: number, detail: string) => ({
  sequence: i,
  at: '2026-11-30T12:00:00.123Z',
  kind: 'exec',
  actor: 'cli:"kim]\\',
  outcome: 'timeout',
  detail,
});

async function send(config: SyslogConfig, details: readonly string[]): Promise<void> {
  const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
  const connection = await connectSyslog(config, { secrets, signal: new AbortController().signal });
  for (const [i, detail] of details.entries()) {
    const line = fields(i + 1, detail);
    const message = syslogMessage(JSON.stringify(line), line, { ...config, hostName: 'probe-1' });
    await connection.write(framed(message));
  }
  expect(await connection.end()).toBe(true);
}

const understood = () =>
  existsSync(join(dir, 'out')) ? readFileSync(join(dir, 'out'), 'utf8').trimEnd().split('\n') : [];

async function expectAll(details: readonly string[]): Promise<void> {
  await until('all messages are there', () => understood().length === details.length);
  const messages = understood().map((line) => JSON.parse(line));
  expect(messages[0]).toMatchObject({
    facility: 'local3',
    severity: 'warning',
    program: 'bartizan',
    host: 'probe-1',
    id: 'exec',
    data: '[bartizan@32473 sequence="1" kind="exec" actor="cli:\\"kim\\]\\\\" outcome="timeout"]',
  });
  expect(Date.parse(messages[0].time)).toBe(Date.parse('2026-11-30T12:00:00.123Z'));
  expect(messages.map(({ text }) => JSON.parse(text.trim()).detail)).toEqual(details);
}

const DETAILS = ['plain', 'two\nlines', '김민지 "]\\', 'x'.repeat(MOST_BYTES - 700)];

it('rsyslog understands every message over TCP', async () => {
  const port = await startRsyslog(
    (number) => `module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="${number}")`,
  );
  await send({ address: { host: '127.0.0.1', port }, facility: 'local3', enterprise: 32_473 }, DETAILS);
  await expectAll(DETAILS);
});

it('rsyslog understands every message over TLS, from a client with a certificate', async () => {
  const authority = await makeAuthority('authority');
  const server = await authority.issue({ commonName: 'siem', names: ['siem.example.net'] });
  const client = await authority.issue({ commonName: 'bartizan', names: ['bartizan'] });
  for (const [name, text] of [
    ['ca', authority.cert],
    ['cert', server.cert],
    ['key', server.key],
  ])
    writeFileSync(join(dir, `${name}.pem`), text ?? '');
  const port = await startRsyslog(
    (number) => `global(defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="${dir}/ca.pem"
  defaultNetstreamDriverCertFile="${dir}/cert.pem" defaultNetstreamDriverKeyFile="${dir}/key.pem")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["bartizan"])
input(type="imtcp" address="127.0.0.1" port="${number}")`,
  );
  const tls = {
    ca: authority.cert,
    servername: 'siem.example.net',
    clientCertificate: client.cert,
    clientKey: client.key,
  };
  await send({ address: { host: '127.0.0.1', port }, tls, facility: 'local3', enterprise: 32_473 }, DETAILS);
  await expectAll(DETAILS);
});

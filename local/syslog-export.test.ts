import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AuditFile, createAuditFile } from '../adapters/audit/file.ts';
import { maintainAudit } from '../adapters/audit/retention.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { SyslogConfig } from '../core/model/config.ts';
import { makeAuthority } from '../test/certificates.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { type SyslogServer, startSyslogServer } from '../test/syslog-server.ts';
import { until } from '../test/until.ts';
import { runAuditExport } from './audit.ts';
import { systemSleep } from './clock.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';

/** The clock of the export is so much faster, so that it polls, confirms and waits in milliseconds. */
const SPEED = 100;
const clock = { nowMs: () => Date.now() * SPEED };

let dir: string;
let server: SyslogServer;
let audit: AuditFile;
const ended: (() => Promise<void>)[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-syslog-'));
  server = await startSyslogServer();
  audit = await open('audit.jsonl', 'local');
});
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
  await audit.close();
  await server.stop();
  rmSync(dir, { recursive: true });
});

const open = (name: string, writer: string, rotateAtBytes = 1_000) =>
  createAuditFile({ file: join(dir, name), writer, gatherMs: 0, rotateAtBytes });
const entry = (i: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  atMs: Date.now(),
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'seoul',
  target: `a/${i}`,
  durationMs: 12,
  bytes: 900,
  outcome: 'ok',
  ...more,
});
async function write(from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await audit.append([entry(i)]);
}
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `a/${from + i}`);
const targets = () => server.messages.map(({ text }) => JSON.parse(text).target as string);
const isDone = (to: number) => targets().includes(`a/${to - 1}`);

function createTrial(config: Partial<SyslogConfig> = {}) {
  const state = createMemoryState();
  const faults = createFaults();
  const meter = createMeter();
  const syslog: SyslogConfig = {
    address: { host: '127.0.0.1', port: server.port },
    facility: 'audit',
    enterprise: 32_473,
    ...config,
  };
  const start = () => {
    const stopping = new AbortController();
    const running = runAuditExport(audit, {
      config: { audit: { keepMs: 1, maxBytes: 1, syslog } },
      dir,
      state,
      faults,
      meter,
      clock,
      logger: createRecordingLogger(),
      secrets: { resolve: async (text) => text, redact: (text) => text },
      sleep: (ms, signal) => systemSleep(ms / SPEED, signal),
      signal: stopping.signal,
    });
    const stop = async () => {
      stopping.abort();
      await running;
    };
    ended.push(stop);
    return stop;
  };
  return { state, faults, meter, start };
}

it('new lines of every audit arrive, over rotated files, in messages that a strict server takes', async () => {
  await write(0, 5);
  const { sequence, hash } = audit.head();
  const { state, meter, faults, start } = createTrial();
  await state.putAuditHead('local', { sequence, hash, atMs: 0 });
  start();
  await write(5, 25);
  const cli = await open('cli/audit.jsonl', 'cli');
  await cli.append([entry(100, { kind: 'exec', actor: 'cli:"kim]\\', outcome: 'host-key' })]);
  await cli.close();
  await until('all lines are there', () => isDone(25) && isDone(101));
  expect(server.refused).toEqual([]);
  // What was there at the first start is for `audit export`.
  expect(targets().filter((target) => target !== 'a/100')).toEqual(numbers(5, 25));
  expect(server.messages.find(({ id }) => id === 'exec')).toMatchObject({
    priority: 13 * 8 + 3,
    parameters: expect.stringContaining(' actor="cli:\\"kim\\]\\\\" '),
  });
  expect(readdirSync(dir).length).toBeGreaterThan(5);
  expect(meter.text()).toContain('bartizan_audit_syslog_lines_total 21');
  expect(faults.findings().warnings).toEqual([]);
});

it('lines go over TLS to a server that the configured authority vouches for, and to no other', async () => {
  const authority = await makeAuthority();
  const tls = await authority.issue({ commonName: 'siem', names: ['siem.example.net'] });
  const secure = await startSyslogServer({ tls });
  try {
    const address = { host: '127.0.0.1', port: secure.port };
    const wrong = createTrial({ address, tls: { servername: 'siem.example.net' } });
    const stopWrong = wrong.start();
    await until('it is refused', () => wrong.faults.findings().warnings.length > 0);
    expect(wrong.faults.findings().warnings).toMatchObject([
      { code: 'audit-syslog-failing', detail: expect.stringMatching(/signed by an unknown authority/) },
    ]);
    await stopWrong();
    const right = createTrial({ address, tls: { servername: 'siem.example.net', ca: authority.cert } });
    right.start();
    await write(0, 3);
    await until('the lines are there', () => secure.messages.length === 3);
    expect(secure.refused).toEqual([]);
  } finally {
    for (const end of ended.splice(0)) await end();
    await secure.stop();
  }
});

it('a server that goes away loses no line, neither does a restart of ours', async () => {
  const { faults, start } = createTrial();
  const stop = start();
  await write(0, 5);
  await until('the first lines are there', () => isDone(5));
  const { port } = server;
  await server.stop();
  await write(5, 12);
  await until('it is noticed', () => faults.findings().warnings.length > 0);
  await stop();
  const before = new Set(targets());
  await write(12, 20);
  server = await startSyslogServer({ port });
  start();
  await until('the rest is there', () => isDone(20));
  expect([...new Set([...before, ...targets()])].sort()).toEqual(numbers(0, 20).sort());
  await until('the fault ends', () => faults.findings().warnings.length === 0);
});

it('connections that break again and again lose no line', async () => {
  const { start } = createTrial();
  start();
  for (let i = 0; i < 40; i += 5) {
    await write(i, i + 5);
    await until('some lines are there', () => server.messages.length > 0);
    server.cut();
  }
  await until('the last lines are there', () => isDone(40));
  expect([...new Set(targets())].sort()).toEqual(numbers(0, 40).sort());
});

it('a server that reads nothing delays no line of the audit, and no stop', async () => {
  server.pause();
  const { start } = createTrial();
  const stop = start();
  const padding = 'x'.repeat(5_000);
  for (let i = 0; i < 1_500; i += 100)
    await audit.append(Array.from({ length: 100 }, (_, n) => entry(i + n, { command: padding })));
  await until('it is connected', () => server.connections() > 0);
  expect(audit.head().sequence).toBe(1_500);
  const beganMs = performance.now();
  await stop();
  expect(performance.now() - beganMs).toBeLessThan(8_000);
});

it('lines that retention removed before the server took them are counted', async () => {
  const { meter, start } = createTrial();
  const stop = start();
  await write(0, 2);
  await until('the first lines are there', () => isDone(2));
  await stop();
  await write(2, 20);
  const { removedLines } = await maintainAudit({
    file: join(dir, 'audit.jsonl'),
    retention: { keepMs: -1, maxBytes: 1e12 },
    nowMs: Date.now(),
    anchoredSequence: 1_000,
    mark: audit.mark,
  });
  expect(removedLines).toBeGreaterThan(4);
  start();
  await until('the rest is there', () => isDone(20));
  expect(meter.text()).toContain(`bartizan_audit_syslog_lost_total ${removedLines - 2}`);
});

it('a chain that began anew is followed from its first line', async () => {
  const { start } = createTrial();
  start();
  await write(0, 5);
  await until('the first lines are there', () => isDone(5));
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  await write(5, 8);
  await until('the new lines are there', () => isDone(8));
  expect(server.messages.map(({ priority }) => priority)).toContain(13 * 8 + 1);
});

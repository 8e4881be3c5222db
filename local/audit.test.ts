import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chainKeeper } from '../adapters/audit/chain-state.ts';
import type { ChainStart } from '../adapters/audit/open-chain.ts';
import type { AuditEntry } from '../core/model/audit.ts';
import type { Notification } from '../core/model/notification.ts';
import type { Channel } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { anchorHead, noticeOf, openLocalAudit, runAuditNotices } from './audit.ts';
import { createFaults } from './faults.ts';
import { createMeter } from './meter.ts';
import { watchAudit } from './watched-ports.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const entry = (target: string): AuditEntry => ({
  atMs: 0,
  kind: 'probe',
  actor: 'bartizan',
  bastion: 'b',
  target,
  durationMs: 1,
  bytes: 0,
  outcome: 'ok',
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-local-audit-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function createTrial() {
  const time = createVirtualTime(0);
  const state = createMemoryState();
  const faults = createFaults();
  const meter = createMeter();
  const logger = createRecordingLogger();
  const messages: Notification[] = [];
  const channel: Channel = {
    async send(notification) {
      messages.push(notification);
      return { detail: 'ok' };
    },
  };
  const ports = { state, faults, meter, logger, clock: time.clock };
  const notices = () => {
    const stopping = new AbortController();
    const ended = runAuditNotices({
      ...ports,
      counters: state.counters,
      channels: new Map([['ops', channel]]),
      sleep: time.sleep,
      redact: (text) => text,
      timeZone: 'UTC',
      signal: stopping.signal,
    });
    return async () => {
      stopping.abort();
      await time.advanceTo(time.clock.nowMs());
      await ended;
    };
  };
  return { ...ports, time, messages, notices };
}

const startOf = (sequence: number): ChainStart => ({
  atMs: 0,
  reason: 'audit.jsonl: it is missing or empty, but line 7 was there',
  keptIn: 'audit.aside-x',
  first: { sequence, hash: `hash ${sequence}` },
});

it('a chain that began anew is sent to every channel, once, also after a restart, and is a warning for an hour', async () => {
  const { state, time, messages, faults, notices } = createTrial();
  await chainKeeper(state, 'local').recordStart(startOf(8));
  const stop = notices();
  await time.advanceTo(MINUTE);
  expect(messages).toMatchObject([
    {
      status: 'firing',
      alerts: [
        {
          rule: 'bartizan-audit-replaced',
          title: 'The audit is not the one that was written',
          summary: expect.stringMatching(/^audit\.jsonl: .*line 7 was there.*kept in audit\.aside-x/),
        },
      ],
    },
  ]);
  expect(faults.findings().warnings).toMatchObject([{ code: 'audit-replaced' }]);
  await stop();
  const stopAgain = notices();
  await time.advanceTo(2 * HOUR);
  expect(messages.map(({ status }) => status)).toEqual(['firing', 'resolved']);
  expect(faults.findings().warnings).toEqual([]);
  await stopAgain();
});

it('a chain that a command began anew is sent within a minute', async () => {
  const { state, time, messages, notices } = createTrial();
  const stop = notices();
  await time.advanceTo(MINUTE / 2);
  await chainKeeper(state, 'cli').recordStart(startOf(3));
  await time.advanceTo(2 * MINUTE);
  expect(messages).toHaveLength(1);
  expect(JSON.stringify(messages[0])).toContain('cli/audit.jsonl: ');
  await stop();
});

it('a notice names three chains, and counts the others', () => {
  const starts = [1, 2, 3, 4, 5].map((n) => ({ ...startOf(n), file: `f${n}` }));
  const { summary } = noticeOf(starts, 0);
  expect(summary).toContain('f3: ');
  expect(summary).not.toContain('f4: ');
  expect(summary).toContain(' And 2 more. A new chain begins');
});

it.each([
  ['does not end with a line', () => writeFileSync(join(dir, 'audit.jsonl'), 'x'.repeat(100_000)), 0],
  ['is a folder', () => mkdirSync(join(dir, 'audit.jsonl')), 1],
])('an audit that %s fails no probe', async (_, spoil, faultsAtStart) => {
  const trial = createTrial();
  spoil();
  const file = await openLocalAudit({ dir, ...trial });
  const audit = watchAudit(file, { ...trial, onCorruption: () => {} });
  expect(trial.faults.findings().reasons).toHaveLength(faultsAtStart);
  await audit.append([entry('a/1')]);
  await anchorHead(audit, trial);
  if (faultsAtStart > 0) {
    expect(trial.faults.findings().reasons).toMatchObject([
      { code: 'audit-unwritable', detail: expect.stringContaining('EISDIR') },
    ]);
    expect(await trial.state.listAuditHeads()).toEqual([]);
    rmdirSync(join(dir, 'audit.jsonl'));
    await audit.append([entry('a/2')]);
  }
  expect(trial.faults.findings().reasons).toEqual([]);
  await audit.close();
  const text = readFileSync(join(dir, 'audit.jsonl'), 'utf8');
  expect(text).toContain('"target":"a/1"');
});

it('the newest line is anchored', async () => {
  const trial = createTrial();
  const audit = await openLocalAudit({ dir, ...trial });
  await audit.append([entry('a/1')]);
  await anchorHead(audit, trial);
  await audit.close();
  const { sequence, hash } = audit.head();
  expect(await trial.state.listAuditHeads()).toEqual([{ writer: 'local', sequence, hash, atMs: 0 }]);
  expect(sequence).toBe(1);
});

// Today's `up` and commands open a data folder of an earlier commit (make.ts).

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createAuditFile } from '../../adapters/audit/file.ts';
import { verifyAudit } from '../../adapters/audit/read-chain.ts';
import { render } from '../../adapters/channels/webhook/payload.ts';
import { KINDS } from '../../adapters/registry.ts';
import { openSqliteState } from '../../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../../adapters/stores/sqlite/store.ts';
import { createProgram } from '../../cli/program.ts';
import { parseConfig } from '../../core/config/parse.ts';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { Observation } from '../../core/model/observation.ts';
import type { Target } from '../../core/model/target.ts';
import type { Channel, Clock } from '../../core/ports.ts';
import { epochOfStart } from '../../core/stages/epoch.ts';
import { createFaults } from '../../local/faults.ts';
import { createMeter } from '../../local/meter.ts';
import { runNotices } from '../../local/notices.ts';
import { startNotifier } from '../../local/notifier.ts';
import { createRoundRunner } from '../../local/round.ts';
import { createRecordingLogger } from '../recording-logger.ts';
import { createVirtualTime } from '../virtual-time.ts';
import { type LocalData, opened, readData } from './data.ts';
import {
  accessOf,
  answerOf,
  COMMANDS,
  END,
  KEPT_AFTER,
  LOCAL_CONFIG,
  MINUTE,
  observationOf,
  START,
  withoutAges,
} from './story.ts';

const expected = JSON.parse(readData('local.json').toString('utf8')) as LocalData;
const dir = mkdtempSync(join(tmpdir(), 'bartizan-before-'));
const path = join(dir, 'data');
const messages: { key: string }[] = [];
let outputsBefore: Record<string, unknown>;

beforeAll(async () => {
  mkdirSync(path);
  for (const file of ['state.db', 'samples.db', 'audit.jsonl'])
    writeFileSync(join(path, file), readData(file));
  writeFileSync(join(dir, 'bartizan.yaml'), LOCAL_CONFIG);
  writeFileSync(join(dir, 'key'), '', { mode: 0o600 });
  // A start of `up` does this first: commands read no older schema.
  await openSqliteState({ path }).close();
  await openSqliteStore({ path }).close();
  outputsBefore = await outputs();
  await continueUp();
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs `up` from the minute after the copy, in virtual time. */
async function continueUp(): Promise<void> {
  const parsed = parseConfig(LOCAL_CONFIG, { file: 'f', kinds: KINDS, baseDir: dir, nowMs: START });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;
  const time = createVirtualTime(START + (KEPT_AFTER + 1) * MINUTE);
  const { clock, sleep } = time;
  const state = openSqliteState({ path });
  const store = openSqliteStore({ path });
  const audit = await createAuditFile({
    file: join(path, 'audit.jsonl'),
    writer: 'local',
    nowMs: clock.nowMs,
    gatherMs: 0,
  });
  const channels = new Map(config.channels.map(({ name }) => [name, channelOf(clock)]));
  const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
  const logger = createRecordingLogger();
  const ports = { store, state, audit, clock, sleep, logger, meter: createMeter(), secrets, channels };
  const epoch = await epochOfStart(ports, MINUTE);
  const notifier = startNotifier(config, { ...ports, draw: async () => undefined, epoch: async () => epoch });
  const stopping = new AbortController();
  const notices = runNotices(undefined, {
    ...ports,
    counters: state.counters,
    faults: createFaults(),
    redact: secrets.redact,
    timeZone: 'UTC',
    signal: stopping.signal,
  });
  const targets = config.clusters.flatMap(({ name: cluster, bastion, nodes }) =>
    nodes.map(({ name: node, role, host }): Target => {
      return { cluster, node, role, host, bastion, port: 22, user: 'probe', hostKeys: [] };
    }),
  );
  const runRound = createRoundRunner(config, {
    ...ports,
    inventory: { list: async () => targets },
    onEvaluated: notifier.wake,
    prober: {
      async probe(batch) {
        await audit.append(
          batch.targets.map((target) => accessOf(target, batch.roundMs) as unknown as AuditEntry),
        );
        await state.counters.save(`cpu/${batch.bastion}`, { atMs: batch.roundMs, busy: 12 });
        const observations = batch.targets.map((target) => observationOf(target, batch.roundMs));
        return { batch, bastion: { ok: true }, observations: observations as unknown as Observation[] };
      },
      close: async () => undefined,
    },
  });
  for (let minute = KEPT_AFTER + 1; minute <= END; minute++) {
    await runRound(START + minute * MINUTE, stopping.signal);
    await time.advanceTo(START + (minute + 1) * MINUTE - (minute === END ? 1 : 0));
  }
  stopping.abort();
  await Promise.all([notices, notifier.stop(0)]);
  for (const one of [audit, state, store]) await one.close();
}

function channelOf(clock: Clock): Channel {
  return {
    shows: 'none',
    destination: async () => ({ key: 'chat', everyMs: 1_000 }),
    async send(notification) {
      const answer = answerOf(notification.channel, clock.nowMs());
      if (answer === 'fails') throw new RetryableError('it answered 503');
      if (answer === 'refuses') throw new PermanentError('it answered 400');
      messages.push(render(notification, undefined, { picture: 'none' }));
      return { id: `${messages.length}`, detail: 'accepted' };
    },
  };
}

async function outputs(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const command of COMMANDS) found[command.join(' ')] = withoutAges(JSON.parse(await print(command)));
  return found;
}

async function print(command: readonly string[]): Promise<string> {
  const program = await createProgram();
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await program.parseAsync([...command, '-c', join(dir, 'bartizan.yaml')], { from: 'user' });
  write.mockRestore();
  // An alert fires.
  process.exitCode = 0;
  return text;
}

/** The output of the earlier commit, whose `data check` did not read the audit. */
function ofToday(command: string, output: unknown): object {
  if (command !== 'data check --json') return output as object;
  return [...(output as object[]), { name: 'audit.jsonl', state: 'fine' }];
}

it("today's commands print the same as before", () => {
  for (const [command, output] of Object.entries(expected.before))
    expect(outputsBefore[command], command).toMatchObject(ofToday(command, output));
});

it("today's `up` sends the messages that the earlier commit would send, under the same keys, and repeats none", () => {
  expect(messages.map(({ key }) => key)).toEqual(expected.messages.map(({ key }) => key));
  expect(messages).toMatchObject(expected.messages);
  const keys = [...expected.former, ...messages].map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});

it("today's `up` ends in the same state", async () => {
  const after = await outputs();
  for (const [command, output] of Object.entries(expected.after))
    expect(after[command], command).toMatchObject(ofToday(command, output));
});

it("today's `up` writes the same rows; records may gain fields, and lose none", () => {
  const database = new DatabaseSync(join(path, 'state.db'), { readOnly: true });
  for (const [table, rows] of Object.entries(expected.rows)) {
    const found = database.prepare(`SELECT * FROM "${table}" ORDER BY 1, 2`).all();
    expect(found.map(opened), table).toMatchObject(rows.map(opened));
  }
  database.close();
});

it("today's `up` continues the chain of the audit", async () => {
  const verdict = await verifyAudit(join(path, 'audit.jsonl'));
  const [anchor] = expected.rows.audit_head ?? [];
  expect(verdict).toMatchObject({
    ok: true,
    first: 1,
    head: { sequence: anchor?.sequence, hash: anchor?.hash },
  });
});

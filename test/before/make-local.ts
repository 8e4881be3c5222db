// The data folder of `up`. See make.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CHECKOUT, channelOf, code, isTooLate, save, saveJson, type Untyped } from './make-ports.ts';
import {
  accessOf,
  COMMANDS,
  END,
  KEPT_AFTER,
  LOCAL_CONFIG,
  MINUTE,
  observationOf,
  START,
  STOPPED,
  silencesAt,
  withoutAges,
} from './story.ts';

function withTooLate(store: Untyped): Untyped {
  return {
    ...store,
    async write(samples: Untyped[]) {
      const result = await store.write(samples.filter((sample) => !isTooLate(sample)));
      const rejected = samples
        .filter(isTooLate)
        .map((sample) => ({ sample, reason: 'it is too late', cause: 'too-late' }));
      return { ...result, rejected: [...result.rejected, ...rejected] };
    },
  };
}

/** Runs `up` in virtual time, from the first of these minutes through the last. */
async function runLocally(dir: string, from: number, to: number): Promise<unknown[]> {
  const { createVirtualTime } = await code('test/virtual-time.ts');
  const { parseConfig } = await code('core/config/parse.ts');
  const { KINDS } = await code('adapters/kinds.ts');
  const { openSqliteState } = await code('adapters/state/sqlite/state.ts');
  const { openSqliteStore } = await code('adapters/stores/sqlite/store.ts');
  const { createAuditFile } = await code('adapters/audit/file.ts');
  const { createRoundRunner } = await code('local/round.ts');
  const { startNotifier } = await code('local/notifier.ts');
  const { noticeOf, runNotices } = await code('local/notices.ts');
  const { epochOfStart } = await code('core/stages/epoch.ts');
  const { createMeter } = await code('local/meter.ts');
  const { createFaults } = await code('local/faults.ts');
  const { createRecordingLogger } = await code('test/recording-logger.ts');
  const parsed = parseConfig(LOCAL_CONFIG, { file: 'f', kinds: KINDS, baseDir: dir, nowMs: START });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;

  const path = join(dir, 'data');
  const time = createVirtualTime(START + from * MINUTE);
  const { clock, sleep } = time;
  const state = openSqliteState({ path });
  const store = withTooLate(openSqliteStore({ path }));
  const audit = await createAuditFile({
    file: join(path, 'audit.jsonl'),
    writer: 'local',
    nowMs: clock.nowMs,
    gatherMs: 0,
  });
  const messages: unknown[] = [];
  const destination = async () => ({ key: 'chat', everyMs: 1_000 });
  const channels = new Map(
    config.channels.map(({ name }: Untyped) => [name, { ...channelOf(clock, messages), destination }]),
  );
  const secrets = { resolve: async (text: string) => text, redact: (text: string) => text };
  const logger = createRecordingLogger();
  const ports = { store, state, audit, clock, sleep, logger, meter: createMeter(), secrets, channels };
  const epoch = await epochOfStart(ports, MINUTE);
  const notifier = startNotifier(config, { ...ports, draw: async () => undefined, epoch: async () => epoch });
  const stopping = new AbortController();
  const aside = [{ name: 'samples', detail: 'damaged' }];
  const notices = runNotices(from === STOPPED.to ? noticeOf(aside, clock.nowMs()) : undefined, {
    ...ports,
    counters: state.counters,
    faults: createFaults(),
    redact: secrets.redact,
    timeZone: 'UTC',
    signal: stopping.signal,
  });
  const targets = config.clusters.flatMap(({ name, bastion, nodes }: Untyped) =>
    nodes.map(({ name: node, role, host }: Untyped) => ({
      ...{ cluster: name, node, role, host, bastion },
      ...{ port: 22, user: 'probe', hostKeys: [] },
    })),
  );
  const runRound = createRoundRunner(config, {
    ...ports,
    inventory: { list: async () => targets },
    onJudged: notifier.wake,
    prober: {
      async probe(batch: Untyped) {
        await audit.append(batch.targets.map((target: Untyped) => accessOf(target, batch.roundMs)));
        await state.counters.save(`cpu/${batch.bastion}`, { atMs: batch.roundMs, busy: 12 });
        const observations = batch.targets.map((target: Untyped) => observationOf(target, batch.roundMs));
        return { batch, bastion: { ok: true }, observations };
      },
      close: async () => undefined,
    },
  });
  for (let minute = from; minute <= to; minute++) {
    for (const silence of silencesAt(minute)) await state.putSilence(silence);
    await runRound(START + minute * MINUTE, stopping.signal);
    await time.advanceTo(START + (minute + 1) * MINUTE - (minute === to ? 1 : 0));
  }
  stopping.abort();
  await Promise.all([notices, notifier.stop(0)]);
  for (const one of [audit, state, store]) await one.close();
  return messages;
}

/** The output of commands on the folder. */
function outputsOf(dir: string): Record<string, unknown> {
  return Object.fromEntries(
    COMMANDS.map((command) => {
      const bin = resolve(CHECKOUT, 'bin/bartizan.ts');
      let text: string;
      try {
        text = execFileSync(process.execPath, [bin, ...command], { cwd: dir, encoding: 'utf8' });
      } catch (error) {
        // An alert fires.
        text = (error as Untyped).stdout;
      }
      return [command.join(' '), withoutAges(JSON.parse(text))];
    }),
  );
}

/** All rows of a database, by table. */
function rowsOf(file: string): Record<string, unknown[]> {
  const database = new DatabaseSync(file, { readOnly: true });
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all();
  const rows = tables.map(({ name }) => [
    name,
    database.prepare(`SELECT * FROM "${name}" ORDER BY 1, 2`).all(),
  ]);
  database.close();
  return Object.fromEntries(rows);
}

export async function makeLocal(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'bartizan-before-'));
  mkdirSync(join(dir, 'data'));
  writeFileSync(join(dir, 'bartizan.yaml'), LOCAL_CONFIG);
  writeFileSync(join(dir, 'key'), '', { mode: 0o600 });
  const former = [
    ...(await runLocally(dir, 0, STOPPED.from - 1)),
    ...(await runLocally(dir, STOPPED.to, KEPT_AFTER)),
  ];
  const before = outputsOf(dir);
  for (const file of ['state.db', 'samples.db', 'audit.jsonl'])
    save(`${file}.gz`, readFileSync(join(dir, 'data', file)));
  const messages = await runLocally(dir, KEPT_AFTER + 1, END);
  const after = outputsOf(dir);
  saveJson('local.json.gz', { before, former, messages, after, rows: rowsOf(join(dir, 'data/state.db')) });
  rmSync(dir, { recursive: true });
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSqliteState } from '../adapters/state/sqlite/state.ts';
import { openSqliteStore } from '../adapters/stores/sqlite/store.ts';
import { newKey } from '../localstack/fleet/new-key.ts';
import { createStageFixture, fire, MINUTE, START } from '../test/stage-fixture.ts';
import { capturePrinted, type Printed } from './printed.fixture.ts';
import { run } from './program.ts';
import { replayShape } from './replay.ts';

let dir: string;
let printed: Printed;
let key: string;

/** The message that n1 fires, sent by rounds with their state in the folder; samples are written by the tests. */
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bartizan-replay-'));
  writeFileSync(join(dir, 'key'), newKey());
  writeFileSync(
    join(dir, 'c.yaml'),
    `bastions: [{ name: gate, host: 127.0.0.1, user: u, privateKey: "\${file:key}" }]
clusters:
  - { name: prod, bastion: gate, nodes: [{ name: n1, role: etcd, host: 127.0.0.1, user: u }] }
channels: [{ name: ops, type: webhook, url: "http://127.0.0.1:1/" }]
schedule: { timeZone: UTC }
store: { path: data }
`,
  );
  const state = openSqliteState({ path: join(dir, 'data') });
  const fixture = createStageFixture({ state });
  await fire(fixture);
  await fixture.notify();
  key = fixture.sent[0]?.notification.key ?? '';
  await state.close();
  printed = capturePrinted();
});
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

async function write(values: readonly number[]): Promise<void> {
  const store = openSqliteStore({ path: join(dir, 'data') });
  const labels = { cluster: 'prod', node: 'n1', role: 'etcd' };
  await store.write(
    values.flatMap((value, minute) => {
      const timeMs = START + minute * MINUTE;
      return [
        { metric: 'up', labels, timeMs, value: 1 },
        { metric: 'mem_usage', labels, timeMs, value },
      ];
    }),
  );
  await store.close();
}

const replay = (...args: string[]) => run(['node', 'bartizan', 'replay', ...args, '-c', join(dir, 'c.yaml')]);

describe('`replay`', () => {
  it('reproduces verdict, text and picture of a message', async () => {
    await write([95, 95, 95]);
    await replay(key, '--png', join(dir, 'p.png'));
    expect(printed.err).toBe('');
    expect(printed.out).toContain(
      'sent to ops at 1970-01-01 16:42:00 UTC: every verdict is the same today\n',
    );
    expect(printed.out).toContain('✓  memory  prod / n1  1970-01-01 16:42:00  –\n');
    expect(printed.out).toContain(
      'FIRING warning · Memory: prod / n1\n1970-01-01 16:42:00 UTC · first message\n',
    );
    expect(readFileSync(join(dir, 'p.png')).subarray(1, 4).toString()).toBe('PNG');
    expect(process.exitCode).toBe(0);
  });

  it('says that other samples give another verdict', async () => {
    await write([95, 50, 50]);
    await replay(key, '--json');
    const { isSame, alerts, notes } = replayShape.parse(JSON.parse(printed.out));
    expect([isSame, alerts[0]?.replayed]).toEqual([false, undefined]);
    expect(notes).toEqual([
      'samples came late, the rule had just changed, or checks and inventory are others today',
    ]);
    expect(process.exitCode).toBe(1);
  });
});

import { expect, it } from 'vitest';
import type { Leadership } from '../adapters/postgres/leadership.ts';
import { MACHINE_KEYS, withMachineState } from '../adapters/state/machine-state.ts';
import { RetryableError } from '../core/errors.ts';
import type { Channel, SampleStore } from '../core/ports.ts';
import { createMemoryState } from '../test/memory-state.ts';
import { createFaults } from './faults.ts';
import { channelsOfLeader, healthOfLeader, storeOfLeader } from './leading.ts';
import { createMeter } from './meter.ts';

function leadership(): Leadership & { end(): void } {
  let isLost = false;
  const over = () => new RetryableError('this process does not lead any more');
  return {
    term: 1,
    lost: new Promise(() => {}),
    isLost: () => isLost,
    fenced: over,
    assertLeads() {
      if (isLost) throw over();
    },
    standbys: () => 0,
    clockDifferenceMs: () => 0,
    end() {
      isLost = true;
    },
  };
}

it('channels send and follow, and the store writes, only while the process leads', async () => {
  const calls: string[] = [];
  const answer = (name: string) => async () => {
    calls.push(name);
    return { detail: name } as never;
  };
  const channel: Channel = { send: answer('send'), follow: answer('follow'), verify: answer('verify') };
  const samples = { write: answer('write'), repeat: answer('repeat'), query: answer('query') };
  const mine = leadership();
  const guarded = channelsOfLeader(new Map([['ops', channel]]), mine).get('ops') as Channel;
  const store = storeOfLeader(samples as unknown as SampleStore, mine);
  const work = (): (() => Promise<unknown>)[] => [
    () => guarded.send({} as never, undefined, {} as never),
    () => guarded.follow?.({} as never, {} as never, {} as never, {} as never) as Promise<unknown>,
    () => store.write([]),
    () => store.repeat?.([]) as Promise<unknown>,
  ];
  for (const each of work()) await each();
  expect(calls).toEqual(['send', 'follow', 'write', 'repeat']);
  mine.end();
  for (const each of work()) await expect(each()).rejects.toThrow('does not lead any more');
  // Reading does no harm.
  await store.query({} as never);
  await guarded.verify?.({} as never);
  expect(calls.slice(4)).toEqual(['query', 'verify']);
});

it('health of a leader warns while its clock differs from that of the database', async () => {
  const mine = leadership();
  const [faults, meter] = [createFaults(), createMeter()];
  let differenceMs = 40_000;
  mine.clockDifferenceMs = () => differenceMs;
  const check = healthOfLeader(async () => faults.findings() as never, mine, { faults, meter });
  expect((await check()).warnings).toMatchObject([{ code: 'clock-differs' }]);
  differenceMs = 0;
  expect((await check()).warnings).toEqual([]);
});

it('without shared state they stay what they are', () => {
  const channels = new Map();
  expect(channelsOfLeader(channels, undefined)).toBe(channels);
});

it('each machine keeps the newest lines of its own audits, and shares everything else', async () => {
  const shared = createMemoryState();
  const [a, b] = [createMemoryState(), createMemoryState()].map((own) => withMachineState(shared, own));
  await a?.putAuditHead('local', { sequence: 7, hash: 'aa', atMs: 1 });
  await a?.counters.save('audit-starts/local', ['anew']);
  await a?.counters.save('audit-syslog', { local: 7 });
  await a?.counters.save('b/0', { cpu: 1 });
  // A standby that takes over has another disk.
  for (const key of Object.values(MACHINE_KEYS)) await a?.counters.save(key, 1);
  for (const key of Object.values(MACHINE_KEYS)) expect(await b?.counters.load(key)).toBeUndefined();
  await a?.counters.save('audit-syslog', { local: 7 });
  expect(await b?.listAuditHeads()).toEqual([]);
  expect(await b?.counters.load('audit-starts/local')).toBeUndefined();
  expect(await b?.counters.load('audit-syslog')).toBeUndefined();
  expect(await b?.counters.load('b/0')).toEqual({ cpu: 1 });
  expect(await a?.listAuditHeads()).toHaveLength(1);
  expect(await a?.counters.load('audit-syslog')).toEqual({ local: 7 });
});

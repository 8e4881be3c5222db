import { describe, expect, it } from 'vitest';
import type { UndeliveredAlert } from '../core/health.ts';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createFaults } from './faults.ts';
import { createHealth, publicHealth, roundFindings } from './health.ts';
import { createMeter } from './meter.ts';
import { beatIfHealthy, createPassFaults, createPulse } from './pulse.ts';

const MINUTE = 60_000;

describe('rounds', () => {
  const codes = (extra: Partial<Parameters<typeof roundFindings>[0]>) =>
    roundFindings({
      nowMs: 5 * MINUTE,
      startedAtMs: 0,
      tickMs: MINUTE,
      last: { roundMs: 4 * MINUTE, completedAtMs: 4 * MINUTE, durationMs: 2_000 },
      ...extra,
    }).map(({ code }) => code);

  it.each([
    ['that complete', {}, []],
    ['of which the last is long ago', { nowMs: 10 * MINUTE }, ['rounds-missing']],
    ['of a start that is young', { nowMs: 3 * MINUTE, last: undefined }, []],
    ['of a start without any', { nowMs: 7 * MINUTE, last: undefined }, ['rounds-missing']],
    [
      'of which the last failed',
      { last: { roundMs: 0, completedAtMs: 4 * MINUTE, durationMs: 1, error: 'disk full' } },
      ['round-failed'],
    ],
  ] as const)('%s', (_, extra, expected) => {
    expect(codes(extra)).toEqual(expected);
  });
});

function createTrial() {
  let nowMs = 0;
  const meter = createMeter();
  const faults = createFaults();
  const logger = createRecordingLogger();
  const undelivered: UndeliveredAlert[] = [];
  let reads = 0;
  let broken = false;
  const health = createHealth(
    {
      config: { channels: [], server: { undeliveredAfterMs: 5 * MINUTE } as never },
      async read() {
        reads++;
        if (broken) throw new Error('/data/state.db is damaged');
        return { undelivered, incidents: [] };
      },
      faults,
      clock: { nowMs: () => nowMs },
      meter,
      redact: (text) => text.replaceAll('hunter2', '<secret>'),
    },
    { startedAtMs: 0, tickMs: MINUTE },
  );
  const beats: number[] = [];
  const heartbeat = { beat: async () => void beats.push(nowMs) };
  return {
    health,
    faults,
    meter,
    logger,
    undelivered,
    reads: () => reads,
    beats,
    break: () => {
      broken = true;
    },
    goTo: (ms: number) => {
      nowMs = ms;
      health.roundEnded({ roundMs: ms, completedAtMs: ms, durationMs: 1 });
    },
    beat: async () => beatIfHealthy(heartbeat, await health.check(), { meter, logger }),
  };
}

describe('an alert that is sent to nobody', () => {
  it('makes health fail and withholds the heartbeat when it is overdue', async () => {
    const setup = createTrial();
    setup.undelivered.push({
      rule: 'memory',
      labels: { node: 'n1' },
      dueSinceMs: 0,
      channels: [{ channel: 'ops', error: 'hunter2 refused' }],
    });
    setup.goTo(4 * MINUTE);
    expect(await setup.health.check()).toMatchObject({ status: 'ok', alertsUndelivered: 1, reasons: [] });
    await setup.beat();
    setup.goTo(6 * MINUTE);
    const health = await setup.health.check();
    expect(health).toMatchObject({
      status: 'failing',
      reasons: [{ code: 'undelivered', detail: 'memory n1 (ops: <secret> refused)' }],
    });
    expect(setup.meter.text()).toContain('bartizan_health_faults{code="undelivered"} 1');
    expect(setup.meter.text()).toContain('bartizan_health_faults{code="data-damaged"} 0');
    expect(JSON.stringify(publicHealth(health))).not.toMatch(/ops|n1/);
    await setup.beat();
    expect(setup.beats).toEqual([4 * MINUTE]);
    expect(setup.meter.text()).toContain('bartizan_heartbeats_total{outcome="withheld"} 1');
    expect(setup.meter.text()).toContain('bartizan_alerts_undelivered 1');
    expect(setup.logger.lines).toMatchObject([{ level: 'warn', fields: { code: 'undelivered' } }]);
    setup.undelivered.pop();
    setup.goTo(7 * MINUTE);
    await setup.beat();
    expect(setup.beats).toEqual([4 * MINUTE, 7 * MINUTE]);
  });

  it('that notify has not grouped counts from the time when it was known, however long ago it fired', async () => {
    const setup = createTrial();
    setup.goTo(60 * MINUTE);
    setup.undelivered.push({ rule: 'memory', labels: {}, dueSinceMs: 0, channels: [] });
    expect((await setup.health.check()).reasons).toEqual([]);
    setup.goTo(66 * MINUTE);
    expect((await setup.health.check()).reasons).toMatchObject([{ code: 'undelivered' }]);
  });

  it('is read once for many clients', async () => {
    const setup = createTrial();
    await Promise.all(Array.from({ length: 50 }, () => setup.health.check()));
    expect(setup.reads()).toBe(1);
    setup.goTo(MINUTE);
    await setup.health.check();
    expect(setup.reads()).toBe(2);
  });

  it('that cannot be read makes health fail as well', async () => {
    const setup = createTrial();
    setup.break();
    setup.goTo(MINUTE);
    expect(await setup.health.check()).toMatchObject({
      status: 'failing',
      reasons: [{ code: 'notify-failing' }],
    });
    await setup.beat();
    expect(setup.beats).toEqual([]);
  });
});

it('failed passes of notify in a row make health fail and withhold the heartbeat, until one succeeds', async () => {
  const setup = createTrial();
  const onPass = createPassFaults(setup.faults);
  for (const failures of [1, 2]) onPass(failures, new Error('disk full'));
  setup.goTo(MINUTE);
  await setup.beat();
  onPass(3, new Error('disk full'));
  expect((await setup.health.check()).reasons).toMatchObject([
    { code: 'notify-failing', detail: 'disk full' },
  ]);
  await setup.beat();
  onPass(0);
  await setup.beat();
  expect(setup.beats.length).toBe(2);
});

it('an unclear answer of a service is a warning', async () => {
  const setup = createTrial();
  setup.meter.count('deliveries_unclear_total', { channel: 'ops' });
  const { status, warnings } = await setup.health.check();
  expect([status, warnings.map(({ code }) => code)]).toEqual(['ok', ['answers-unclear']]);
});

it('lost lines of the audit are a warning', async () => {
  const setup = createTrial();
  setup.meter.count('audit_lines_lost_total', {}, 2);
  const { status, warnings } = await setup.health.check();
  expect([status, warnings]).toMatchObject([
    'ok',
    [{ code: 'audit-lines-lost', words: expect.stringContaining('lacks 2 lines') }],
  ]);
});

it('a failed round sends no heartbeat', async () => {
  const setup = createTrial();
  setup.health.roundEnded({ roundMs: 0, completedAtMs: 0, durationMs: 1, error: 'no key' });
  await setup.beat();
  expect(setup.beats).toEqual([]);
});

it('health fails when the scheduler has not run for two minutes', () => {
  let nowMs = 0;
  const pulse = createPulse(() => nowMs);
  nowMs = 120_000;
  expect(pulse.stuck()).toBeUndefined();
  nowMs = 121_000;
  expect(pulse.stuck()).toBe('the scheduler has not run for 121 s');
  pulse.beat();
  expect(pulse.stuck()).toBeUndefined();
});

it('health says how long alerts took from the first breaching sample to the channel', async () => {
  const setup = createTrial();
  expect((await setup.health.check()).breachToAcceptedP99).toBeNull();
  for (let i = 0; i < 50; i++) setup.meter.observe('breach_to_accepted_seconds', 301, { channel: 'ops' });
  expect((await setup.health.check()).breachToAcceptedP99).toBeCloseTo(597);
});

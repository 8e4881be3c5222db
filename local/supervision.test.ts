import { describe, expect, it } from 'vitest';
import { createRecordingLogger } from '../test/recording-logger.ts';
import { createVirtualTime } from '../test/virtual-time.ts';
import { createSupervision, takeSupervisor } from './supervision.ts';

describe('the environment of a service', () => {
  it.each([
    [{}, undefined],
    [{ NOTIFY_SOCKET: '' }, undefined],
    [{ NOTIFY_SOCKET: '/run/n' }, { socket: '/run/n', watchdogMs: undefined }],
    [
      { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '90000000' },
      { socket: '@n', watchdogMs: 90_000 },
    ],
    [
      { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '90000000', WATCHDOG_PID: '7' },
      { socket: '@n', watchdogMs: 90_000 },
    ],
    [
      { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '90000000', WATCHDOG_PID: '8' },
      { socket: '@n', watchdogMs: undefined },
    ],
    [
      { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: 'soon' },
      { socket: '@n', watchdogMs: undefined },
    ],
    [
      { NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '0' },
      { socket: '@n', watchdogMs: undefined },
    ],
    [{ WATCHDOG_USEC: '90000000' }, undefined],
  ])('%j is read as %j, and taken out', (given, expected) => {
    const env = { PATH: '/bin', ...given };
    expect(takeSupervisor(env, 7)).toEqual(expected);
    expect(env).toEqual({ PATH: '/bin' });
  });
});

describe('supervision', () => {
  function setup(watchdogMs: number | undefined) {
    const time = createVirtualTime(0);
    const logger = createRecordingLogger();
    const sent: string[] = [];
    const faults: { stuck?: string; broken?: boolean } = {};
    const supervision = createSupervision({
      manager: {
        async notify(...assignments) {
          if (faults.broken) throw new Error('no socket');
          sent.push(`${time.clock.nowMs()} ${assignments.join(' ')}`);
        },
      },
      watchdogMs,
      stuck: () => faults.stuck,
      sleep: time.sleep,
      logger,
    });
    return { time, logger, sent, faults, supervision };
  }

  it('gives three signs of life in the time of the watchdog, from the start on until it stops', async () => {
    const { time, sent, supervision } = setup(90_000);
    await time.advanceTo(5_000);
    expect(sent).toEqual([]);
    await supervision.ready('3 nodes');
    await time.advanceTo(70_000);
    await supervision.stopping();
    await time.advanceTo(200_000);
    expect(sent).toEqual([
      '5000 READY=1 STATUS=3 nodes',
      '5000 WATCHDOG=1',
      '35000 WATCHDOG=1',
      '65000 WATCHDOG=1',
      '70000 STOPPING=1',
    ]);
  });

  it('gives none where the manager waits for none', async () => {
    const { time, sent, supervision } = setup(undefined);
    await supervision.ready('3 nodes');
    await time.advanceTo(200_000);
    expect(sent).toEqual(['0 READY=1 STATUS=3 nodes']);
  });

  it('gives none while the process is stuck, and says so once', async () => {
    const { time, sent, faults, logger, supervision } = setup(90_000);
    await supervision.ready('');
    faults.stuck = 'the scheduler has not run for 121 s';
    await time.advanceTo(100_000);
    expect(sent).toEqual(['0 READY=1 STATUS=', '0 WATCHDOG=1']);
    delete faults.stuck;
    await time.advanceTo(130_000);
    expect(sent.at(-1)).toBe('120000 WATCHDOG=1');
    expect(logger.lines).toEqual([
      expect.objectContaining({ level: 'error', fields: { why: 'the scheduler has not run for 121 s' } }),
    ]);
  });

  it('goes on when a message fails, and logs the first failure and the end of it', async () => {
    const { time, sent, faults, logger, supervision } = setup(90_000);
    faults.broken = true;
    await supervision.ready('');
    await time.advanceTo(70_000);
    faults.broken = false;
    await time.advanceTo(90_000);
    expect(sent).toEqual(['90000 WATCHDOG=1']);
    expect(logger.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['error', { error: 'no socket' }],
      ['info', {}],
    ]);
  });
});

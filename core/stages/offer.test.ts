import { expect, it } from 'vitest';
import { createStageFixture, fire, type StageFixture } from '../../test/stage-fixture.ts';
import { RetryableError } from '../errors.ts';
import type { Config } from '../model/config.ts';
import type { Picture } from '../model/notification.ts';
import type { Channel } from '../ports.ts';
import { deliverIncident } from './deliver.ts';
import { groupTransitions } from './group.ts';

const channels = ['ops', 'backup'].map((name) => ({
  name,
  type: 'webhook',
  theme: 'dark' as const,
  options: {},
  ...(name === 'ops' && { fallback: 'backup' }),
}));
/** A function of 60 s that keeps five to record what became of its message. */
const CALL_MS = 55_000;

/** A receiver that takes connections and answers none of them, or, late, those that bring no picture. */
function silent(
  fixture: StageFixture,
  timeoutMs: number,
  isSilent: (picture: Picture | undefined) => boolean = () => true,
) {
  let tries = 0;
  const healthy = fixture.ports.channels.get('ops') as Channel;
  const channel: Channel = {
    async send(notification, picture, options) {
      tries++;
      await fixture.time.sleep(timeoutMs, options.signal);
      if (isSilent(picture) || options.signal.aborted) throw new RetryableError('it did not answer');
      return healthy.send(notification, picture, options);
    },
  };
  fixture.ports.channels = new Map([...fixture.ports.channels, ['ops', channel]]);
  return { tries: () => tries };
}

/** One call for each incident that is due, each ended when its time is over. */
async function call(fixture: StageFixture): Promise<void> {
  const { clock, sleep, advanceTo } = fixture.time;
  for (const { value } of await fixture.state.dueIncidents(clock.nowMs(), 10)) {
    const endsAtMs = clock.nowMs() + CALL_MS;
    const over = new AbortController();
    void sleep(CALL_MS, new AbortController().signal).then(() => over.abort());
    const ports = { ...fixture.ports, remainingMs: () => endsAtMs - clock.nowMs() };
    const done = deliverIncident(value.id, fixture.config as Config, ports, over.signal);
    await advanceTo(endsAtMs);
    await done;
  }
}

it.each([10_000, 30_000, 120_000])(
  'a receiver that is silent for %i ms, as long as a call or longer, fails, and its fallback is sent the message',
  async (timeoutMs) => {
    const fixture = createStageFixture({ channels });
    silent(fixture, timeoutMs);
    fixture.ports.draw = () => new Promise(() => undefined);
    await fire(fixture);
    await groupTransitions(fixture.config as Config, fixture.ports);
    for (let minute = 3; minute < 16; minute++) {
      await fixture.goTo(minute);
      await call(fixture);
    }
    expect(fixture.counted.get('deliveries_failed_total')).toBeGreaterThan(0);
    expect(fixture.sentLines()).toEqual(['backup 1 fallback firing n1:firing']);
    const found = await fixture.state.listDeliveries({ limit: 100 });
    expect(found.some(({ channel, outcome }) => channel === 'ops' && outcome === 'retry')).toBe(true);
  },
);

it('a text that had no time to go without its picture goes without it at the next try', async () => {
  const fixture = createStageFixture({ channels });
  const receiver = silent(fixture, 28_000, (picture) => picture !== undefined);
  await fire(fixture);
  await groupTransitions(fixture.config as Config, fixture.ports);
  for (let minute = 3; minute < 8; minute++) {
    await fixture.goTo(minute);
    await call(fixture);
  }
  expect(receiver.tries()).toBe(2);
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  expect(fixture.sent[0]?.picture).toBeUndefined();
});

it('a process that stops records nothing of what it cut off: the next start sends it again', async () => {
  const fixture = createStageFixture({ channels });
  const stop = new AbortController();
  silent(fixture, 30_000);
  await fire(fixture);
  const pass = fixture.notify(stop.signal);
  await fixture.goTo(2.1);
  stop.abort();
  await pass;
  expect(await fixture.state.listDeliveries({ limit: 1 })).toEqual([]);
  const [incident] = await fixture.state.openIncidents();
  expect(incident?.value.attempt?.leaseUntilMs).toBeDefined();
});

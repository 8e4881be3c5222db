// The outcome of an attempt is written into the incident as it is at that time.
import { expect, it } from 'vitest';
import { createStageFixture, fire, MINUTE, memory, START } from '../../test/stage-fixture.ts';
import { CONFLICT_TRIES } from '../conflicts.ts';
import { ConflictError, RetryableError } from '../errors.ts';
import { LEASE_MS } from '../notify/attempt.ts';
import { groupTransitions } from './group.ts';

const N1_SILENCE = {
  id: 's1',
  matchers: [{ name: 'node', op: '=' as const, value: 'n1' }],
  fromMs: START,
  untilMs: START + 600 * MINUTE,
  createdAtMs: START,
  author: 'ann',
  comment: 'disk swap',
};

type Fixture = ReturnType<typeof createStageFixture>;

const incidentOf = async (fixture: Fixture) => (await fixture.state.openIncidents())[0]?.value;

/** n2 breaches as well, and its firing is taken into the incident. */
async function fireAlso(fixture: Fixture, minute: number): Promise<void> {
  for (const at of [minute - 2, minute - 1, minute]) fixture.put(at, { n2: 95 });
  await fixture.goTo(minute);
  await fixture.evaluate(minute);
  await groupTransitions(fixture.config, fixture.ports);
}

/** The state refuses the next writes of an outcome, as if another had changed the incident. */
function conflictOnOutcome(fixture: Fixture, times: number) {
  let left = times;
  const { commitIncidents } = fixture.state;
  fixture.ports.state = {
    ...fixture.state,
    commitIncidents: async (commit) => {
      if (commit.delivery && left-- > 0) throw new ConflictError('was changed');
      await commitIncidents(commit);
    },
  };
}

it('a transition during a send keeps the lease, and is in the next message', async () => {
  const fixture = createStageFixture({ rules: [{ ...memory, forMs: 0 }] });
  fixture.put(2, { n1: 95 });
  await fixture.goTo(2);
  await fixture.evaluate(2);
  const startMs = fixture.time.clock.nowMs();
  const during: unknown[] = [];
  fixture.answers.ops = async () => {
    delete fixture.answers.ops;
    fixture.put(2, { n2: 95 });
    await fixture.evaluate(2);
    during.push(await groupTransitions(fixture.config, fixture.ports));
    during.push((await incidentOf(fixture))?.dueAtMs);
  };
  await fixture.notify();
  // Due earlier, the incident would be taken by another sender while this one is at work.
  expect(during).toEqual([1, startMs + LEASE_MS]);
  expect(fixture.sentLines()).toEqual(['ops 1 first firing n1:firing']);
  const incident = await incidentOf(fixture);
  expect(incident?.attempt).toBeUndefined();
  expect(Object.values(incident?.notified ?? {})).toEqual(['firing']);
  await fixture.goTo(7);
  await fixture.notify();
  expect(fixture.sentLines().at(-1)).toBe('ops 2 new-alerts firing n2:firing+n1:firing');
});

it('an outcome is written once, however often another changes the incident first', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  conflictOnOutcome(fixture, CONFLICT_TRIES - 1);
  await fixture.notify();
  expect((await incidentOf(fixture))?.notifications).toBe(1);
  const deliveries = await fixture.state.listDeliveries({ limit: 9 });
  expect(deliveries.map(({ outcome }) => outcome)).toEqual(['delivered']);
  expect(fixture.counted.get('deliveries_total')).toBe(1);
});

it('an outcome that cannot be written fails the pass: nobody may take it for a conflict of senders', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  conflictOnOutcome(fixture, Infinity);
  await expect(fixture.notify()).rejects.toThrow('cannot be kept');
  expect((await incidentOf(fixture))?.attempt?.number).toBe(1);
  expect(fixture.counted.get('deliveries_total')).toBeUndefined();
});

it('a failed attempt is written with its redacted answer, and is due again', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  fixture.answers.ops = async () => {
    throw new RetryableError('the token hunter2 is throttled');
  };
  await fixture.notify();
  const [delivery] = await fixture.state.listDeliveries({ limit: 9 });
  expect(delivery).toMatchObject({
    outcome: 'retry',
    number: 1,
    attempt: 1,
    detail: 'the token <secret> is throttled',
  });
  const incident = await incidentOf(fixture);
  expect(incident?.attempt?.leaseUntilMs).toBeUndefined();
  expect(incident?.dueAtMs).toBeGreaterThan(fixture.time.clock.nowMs());
  expect(incident?.notified).toEqual({});
});

it('the number of a message that was withheld after a failed attempt is not given to other content', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  fixture.answers.ops = async () => {
    throw new RetryableError('no answer');
  };
  await fixture.notify();
  await fixture.state.putSilence(N1_SILENCE);
  await fixture.goTo(5);
  await fixture.notify();
  expect((await incidentOf(fixture))?.attempt?.number).toBe(1);
  delete fixture.answers.ops;
  await fireAlso(fixture, 8);
  await fixture.notify();
  expect(fixture.sentLines()).toEqual(['ops 2 first firing n2:firing']);
});

it('the time from the first breaching sample is observed once for each alert and channel, at the try that was accepted', async () => {
  const fixture = createStageFixture();
  await fire(fixture);
  const [alert] = (await fixture.state.listAlerts()).map(({ value }) => value);
  fixture.answers.ops = async () => {
    throw new RetryableError('busy');
  };
  await fixture.notify();
  expect(fixture.observed.get('breach_to_accepted_seconds')).toBeUndefined();
  delete fixture.answers.ops;
  await fixture.goTo(9);
  await fixture.notify();
  const seconds = (fixture.time.clock.nowMs() - (alert?.sinceMs ?? 0)) / 1_000;
  expect(fixture.observed.get('breach_to_accepted_seconds')).toEqual([seconds]);
  expect(seconds).toBeGreaterThan((fixture.observed.get('delivery_latency_seconds') ?? [])[0] ?? Infinity);
  fixture.put(10, { n1: 40 });
  await fixture.goTo(10);
  await fixture.evaluate(10);
  await fixture.notify();
  expect(fixture.observed.get('delivery_latency_seconds')).toHaveLength(2);
  expect(fixture.observed.get('breach_to_accepted_seconds')).toHaveLength(1);
});

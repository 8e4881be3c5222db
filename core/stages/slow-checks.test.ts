import { expect, it } from 'vitest';
import { createStageFixture, MINUTE, memory, START } from '../../test/stage-fixture.ts';
import type { Rule } from '../model/rule.ts';

const EVERY = 20;
const certificates: Rule = {
  ...memory,
  name: 'certificates',
  metric: 'cert_expiry',
  condition: { kind: 'below', threshold: 100 },
  noData: 'alerting',
  inhibitedBy: [],
};

/** A check each minute, and one each twenty minutes, which alone measures certificates. */
function slowFixture(rule: Partial<Rule> = {}) {
  const fixture = createStageFixture({ rules: [{ ...certificates, ...rule }] });
  const check = { name: 'usage', probe: 'usage', everyMs: MINUTE, where: {}, options: {} };
  fixture.config.checks = [check, { ...check, name: 'pki', probe: 'pki', everyMs: EVERY * MINUTE }];
  return fixture;
}

async function runRounds(
  fixture: ReturnType<typeof slowFixture>,
  from: number,
  to: number,
  values: (minute: number) => Record<string, number>,
): Promise<string[]> {
  const seen: string[] = [];
  for (let minute = from; minute <= to; minute++) {
    fixture.put(minute, { n1: 50, n2: 50 });
    fixture.put(minute, values(minute), 'cert_expiry');
    await fixture.goTo(minute);
    for (const { kind, reason, labels, atMs, sinceMs } of await fixture.evaluate(minute)) {
      const [at, since] = [atMs, sinceMs].map((ms) => (ms - START) / MINUTE);
      seen.push(`${at} ${labels.node} ${kind} ${reason} since ${since}`);
    }
  }
  return seen;
}

it('a rule goes by the rounds of the check that measures its metric', async () => {
  const fixture = slowFixture({ forMs: 40 * MINUTE });
  await fixture.evaluate(-1);
  const seen = await runRounds(fixture, 0, 101, (minute): Record<string, number> => {
    if (minute % EVERY !== 0) return {};
    return minute <= 40 ? { n1: 5, n2: 500 } : { n1: 5 };
  });
  expect(seen).toEqual([
    '0 n1 pending threshold since 0',
    '40 n1 firing threshold since 0',
    '80 n2 firing no-data since 60',
  ]);
});

it('a message has the value of a slow check without a time while it is current', async () => {
  const fixture = slowFixture({ forMs: 0, noData: 'keepLast' });
  await fixture.evaluate(-1);
  await runRounds(fixture, 0, 90, (minute): Record<string, number> => (minute === 20 ? { n1: 5 } : {}));
  await fixture.notify();
  const [first] = fixture.sent;
  expect(first?.notification.alerts).toMatchObject([{ value: 5, valueAtMs: START + 20 * MINUTE }]);
  const early = slowFixture({ forMs: 0, noData: 'keepLast' });
  await early.evaluate(-1);
  await runRounds(early, 0, 59, (minute): Record<string, number> => (minute === 20 ? { n1: 5 } : {}));
  await early.notify();
  expect(early.sent[0]?.notification.alerts[0]).not.toHaveProperty('valueAtMs');
});

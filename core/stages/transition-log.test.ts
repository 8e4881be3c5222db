import { expect, it } from 'vitest';
import { createStageFixture, memory } from '../../test/stage-fixture.ts';

it('transitions of a rule that are alike are one line of the log, and are counted each', async () => {
  const fixture = createStageFixture({ rules: [{ ...memory, forMs: 0, inhibitedBy: [] }] });
  fixture.put(0, { n1: 95, n2: 96 });
  await fixture.evaluate(0);
  fixture.put(1, { n1: 50, n2: 96 });
  await fixture.goTo(1);
  await fixture.evaluate(1);
  const lines = fixture.logger.lines.filter(({ message }) => message.startsWith('alert '));
  expect(lines.map(({ message, fields }) => [message, fields.rule, fields.node, fields.alerts])).toEqual([
    ['alert firing', 'memory', expect.any(String), 2],
    ['alert resolved', 'memory', 'n1', undefined],
  ]);
  expect(fixture.counted.get('transitions_total')).toBe(3);
});

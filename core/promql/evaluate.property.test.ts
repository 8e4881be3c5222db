import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Data, instant, range } from './evaluate.fixture.ts';

const QUERIES = [
  'm',
  'm * 2 > 10',
  'sum by (a) (m)',
  'avg(m)',
  'topk(1, m)',
  'rate(m[3m])',
  'delta(m[5m] offset 1m)',
  'max_over_time(m[4m])',
  'min_over_time(m[9m])',
  'changes(m[7m])',
  'quantile_over_time(0.3, m[5m])',
  'predict_linear(m[5m], 60)',
  'absent(m)',
  'm and on (a) m > 5',
  'm or m{a="1"} offset 5m',
  'm / on (a, b) group_left () m offset 2m',
  'sum_over_time(m[4m:2m])',
  'timestamp(m)',
  'count_values("v", m)',
];

const value = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }).map(String) },
  fc.constantFrom('_', 'NaN'),
);
const samples = fc.array(value, { minLength: 1, maxLength: 25 }).map((values) => values.join(' '));
const data: fc.Arbitrary<Data> = fc.record({
  'm{a="1",b="1"}': samples,
  'm{a="1",b="2"}': samples,
  'm{a="2",b="1"}': samples,
});

it('a range query has at each step what an instant query has at that time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...QUERIES), data, async (text, series) => {
      const steps = await range(text, series, [0, 30]);
      for (let minute = 0; minute <= 30; minute++) {
        const atStep = steps.flatMap((line) => {
          const [, labels, values = ''] = /^(.*\}) ([^}]*)$/.exec(line) ?? [];
          const at = values.split(' ')[minute];
          return at === '_' ? [] : [`${labels} ${at}`];
        });
        expect((await instant(text, series, minute)).sort()).toEqual(atStep.sort());
      }
    }),
    { numRuns: 60 },
  );
});

it('an offset is a query of that time before', async () => {
  const values = ['m', 'rate(m[3m])', 'avg_over_time(m[4m])', 'irate(m[6m])', 'present_over_time(m[2m])'];
  const offset = fc.integer({ min: -9, max: 9 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...values), offset, data, async (text, minutes, series) => {
      const shifted = text.replace(/m(\[\dm\])?(?=\)|$)/, `$& offset ${minutes}m`);
      expect(await range(shifted, series, [minutes, minutes + 20])).toEqual(
        await range(text, series, [0, 20]),
      );
    }),
    { numRuns: 60 },
  );
});

import { expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';

it('a number is a scalar', async () => {
  const source = { select: () => Promise.resolve([]) };
  const options = { source, startMs: 1000, endMs: 1000, stepMs: 0 };
  expect(await evaluate({ kind: 'number', value: 2, from: 0, to: 1 }, options)).toMatchObject({
    value: { type: 'scalar', timeMs: 1000, value: 2 },
  });
});

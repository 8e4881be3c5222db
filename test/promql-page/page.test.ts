import { expect, it } from 'vitest';
import { evaluate } from '../../core/promql/evaluate.ts';
import { parseQuery } from '../../core/promql/parse.ts';
import { promqlPage } from './page.ts';

it('docs/promql.md has the functions and aggregations that there are', async () => {
  await expect(promqlPage()).toMatchFileSnapshot('../../docs/promql.md');
});

it('its examples are queries', async () => {
  const examples = promqlPage().matchAll(/^ {4}(\S.*)$/gm);
  const source = { select: () => Promise.resolve([]) };
  const answers = await Promise.all(
    Array.from(examples, ([, text = '']) =>
      evaluate(parseQuery(text), { source, startMs: 0, endMs: 0, stepMs: 0 }),
    ),
  );
  expect(answers).toHaveLength(6);
});

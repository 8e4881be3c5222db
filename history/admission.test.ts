import { expect, it } from 'vitest';
import { createAdmission } from './admission.ts';

const { signal } = new AbortController();

it('one caller fills neither all turns nor all places to wait', async () => {
  const { enter } = createAdmission(() => ({ atOnce: 2, ofOne: 1, waiting: 4, waitingOfOne: 3 }));
  const end = await enter('greedy', signal);
  const waiting = Array.from({ length: 3 }, () => enter('greedy', signal));
  expect(await enter('greedy', signal)).toBeUndefined();
  expect(await enter('other', signal)).toBeDefined();
  const second = enter('other', signal);
  expect(await enter('third', signal)).toBeUndefined();
  end?.();
  expect(await waiting[0]).toBeDefined();
  expect(await Promise.race([second, 'waits'])).toBe('waits');
});

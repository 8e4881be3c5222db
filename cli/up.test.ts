import { expect, it } from 'vitest';
import type { Bartizan } from '../local/up.ts';
import { recoverUntil } from './up.ts';

function createFake(name: string, log: string[]) {
  const corrupted = Promise.withResolvers<'state' | 'samples'>();
  const bartizan = {
    url: name,
    damaged: corrupted.promise,
    async stop() {
      log.push(`${name} stopped`);
      throw new Error('a damaged database is not closed cleanly');
    },
  } as unknown as Bartizan;
  return { bartizan, damage: () => corrupted.resolve('state') };
}

it('restarts when a damaged database is met, and returns the last instance', async () => {
  const log: string[] = [];
  const first = createFake('first', log);
  const second = createFake('second', log);
  const signal = Promise.withResolvers<void>();
  const last = recoverUntil(signal.promise, first.bartizan, async (met) => {
    log.push(`started without its ${met}`);
    // Damage that returns at once delays the restart; a stop does not wait for that.
    second.damage();
    signal.resolve();
    return second.bartizan;
  });
  first.damage();
  expect((await last).url).toBe('second');
  expect(log).toEqual(['first stopped', 'started without its state']);
});

it('ends with the reason when it cannot restart, so that a supervisor tries', async () => {
  const first = createFake('first', []);
  first.damage();
  const never = new Promise<void>(() => {});
  const refused = recoverUntil(never, first.bartizan, () => Promise.reject(new Error('no space left')));
  await expect(refused).rejects.toThrow('no space left');
});

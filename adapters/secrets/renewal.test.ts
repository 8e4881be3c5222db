import { describe, expect, it } from 'vitest';
import { ConfigError, PermanentError, RetryableError } from '../../core/errors.ts';
import { createRecordingLogger } from '../../test/recording-logger.ts';
import { withRenewedSecrets } from './renewal.ts';

/** Work that fails until the secret is `new`; `now` is what a read past the cache returns. */
function createFixture(
  options: { error?: Error; now?: string | Error; references?: string[]; before?: Error } = {},
) {
  const { error = new PermanentError('401'), now = 'new', references = ['${env:A}'], before } = options;
  const logger = createRecordingLogger();
  const calls: string[] = [];
  let current = 'old';
  const secrets = {
    resolve: async () => {
      calls.push('resolve');
      if (before) throw before;
      return current;
    },
    renew: async () => {
      calls.push('renew');
      if (now instanceof Error) throw now;
      current = now;
      return current;
    },
    forget: () => void calls.push('forget'),
  };
  const work = async () => {
    calls.push('work');
    if (current !== 'new') throw error;
    return 'sent';
  };
  return {
    calls,
    logger,
    run: () => withRenewedSecrets({ secrets, references, what: 'channel ops', logger }, work),
    runWith: (change: Partial<typeof secrets>) =>
      withRenewedSecrets({ secrets: { ...secrets, ...change }, references, what: 'channel ops' }, work),
  };
}

describe('work that is refused', () => {
  it.each([new PermanentError('401'), new ConfigError('bad token')])(
    'is done once more if a secret has changed: %s',
    async (error) => {
      const { run, calls, logger } = createFixture({ error });
      expect(await run()).toBe('sent');
      expect(calls).toEqual(['resolve', 'work', 'renew', 'work']);
      expect(logger.lines).toMatchObject([{ level: 'warn', fields: { what: 'channel ops' } }]);
    },
  );

  it.each<[string, Parameters<typeof createFixture>[0]]>([
    ['no secret has changed', { now: 'old' }],
    ['it has no secrets', { references: [] }],
    ['its secrets were not known before', { before: new RetryableError('throttled') }],
  ])('fails at once if %s', async (_, options) => {
    const { run, calls, logger } = createFixture(options);
    await expect(run()).rejects.toThrow('401');
    expect(calls.filter((call) => call === 'work')).toHaveLength(1);
    expect(calls).not.toContain('forget');
    expect(logger.lines).toEqual([]);
  });

  it('is done once more if one of several secrets has changed', async () => {
    const { runWith, calls } = createFixture({ references: ['${env:A}', '${env:B}'] });
    let reads = 0;
    const result = await runWith({
      resolve: async () => 'old',
      renew: async () => {
        reads++;
        return reads === 1 ? 'old' : 'other';
      },
    }).catch((error: Error) => error.message);
    expect(result).toBe('401');
    expect(calls).toEqual(['work', 'work']);
  });

  it('reads secrets as ever where nothing can read them past a cache', async () => {
    const { runWith } = createFixture();
    let value = 'old';
    const read = async () => {
      const before = value;
      value = 'changed';
      return before;
    };
    await expect(runWith({ resolve: read, renew: undefined as never })).rejects.toThrow('401');
    expect(value).toBe('changed');
  });
});

describe('work that is refused while its secrets cannot be read', () => {
  it.each<[Error, Error, abstract new (...given: never[]) => Error]>([
    [new PermanentError('401'), new RetryableError('throttled'), RetryableError],
    [new PermanentError('401'), new ConfigError('denied'), PermanentError],
    [new ConfigError('401'), new ConfigError('denied'), ConfigError],
    [new ConfigError('401'), new RetryableError('throttled'), RetryableError],
  ])('%s, then %s: fails with both, as %o', async (error, now, kind) => {
    const failed = await createFixture({ error, now })
      .run()
      .catch((cause: unknown) => cause);
    expect(failed).toBeInstanceOf(kind);
    expect(String(failed)).toContain('401; its secrets cannot be read again');
    expect(String(failed)).toContain(now.message);
  });

  it('waits as long as the secrets do, and keeps the cause', async () => {
    const error = new PermanentError('401', { cause: 'why' });
    const now = new RetryableError('throttled', { retryAfterMs: 7_000 });
    const failed = await createFixture({ error, now })
      .run()
      .catch((cause: unknown) => cause);
    expect(failed).toMatchObject({ retryAfterMs: 7_000, cause: 'why' });
  });
});

describe('work that fails for now', () => {
  it.each<[Error, boolean]>([
    [new RetryableError('503'), true],
    [new Error('unknown'), true],
    [new RetryableError('429', { rateLimited: true }), false],
  ])('%s: the next try reads the secrets again: %s', async (error, forgets) => {
    const { run, calls } = createFixture({ error });
    await expect(run()).rejects.toBe(error);
    expect(calls).toEqual(['resolve', 'work', ...(forgets ? ['forget'] : [])]);
  });

  it('fails as it does where nothing is cached', async () => {
    const { runWith } = createFixture({ error: new RetryableError('503') });
    await expect(runWith({ forget: undefined as never })).rejects.toThrow('503');
  });
});

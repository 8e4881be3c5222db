import { expect, it } from 'vitest';
import { createParameterReader, type FoundParameter } from './parameter-reader.ts';

const named = (name: string) => Object.assign(new Error(name), { name });

function createFixture(stored: Record<string, FoundParameter | string>, manyFails?: Error) {
  const calls: string[] = [];
  const parameterOf = (name: string): FoundParameter | undefined => {
    const found = stored[name];
    return typeof found === 'string' ? { Name: name, Value: found } : found;
  };
  const read = createParameterReader({
    async many(names) {
      calls.push(names.join());
      if (manyFails) throw manyFails;
      return { Parameters: names.flatMap((name) => parameterOf(name) ?? []) };
    },
    async one(name) {
      calls.push(name);
      const Parameter = parameterOf(name);
      if (!Parameter) throw named('ParameterNotFound');
      if (Parameter.Value === 'forbidden') throw named('AccessDeniedException');
      return { Parameter };
    },
  });
  return { read, calls };
}

it('names of one turn share calls, each once, ten in a call', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `/p${i}`);
  const { read, calls } = createFixture(Object.fromEntries(names.map((name) => [name, `v${name}`])));
  const values = await Promise.all([...names, '/p3'].map(read));
  expect(values).toEqual([...names.map((name) => `v${name}`), 'v/p3']);
  expect(calls).toEqual([names.slice(0, 10).join(), names.slice(10).join()]);
  // The next turn asks again.
  expect(await read('/p0')).toBe('v/p0');
  expect(calls).toHaveLength(3);
});

it('versions and labels come back beside the name', async () => {
  const { read } = createFixture({ '/a:3': { Name: '/a', Selector: ':3', Value: 'third' }, '/a': 'newest' });
  expect(await Promise.all([read('/a:3'), read('/a'), read('/b')])).toEqual(['third', 'newest', undefined]);
});

it.each(['ParameterNotFound', 'ParameterVersionNotFound'])(
  'one that is missing is undefined: %s',
  async (name) => {
    const read = createParameterReader({
      many: async () => ({}),
      one: () => Promise.reject(named(name)),
    });
    expect(await read('/a')).toBeUndefined();
    expect(await Promise.all([read('/a'), read('/b')])).toEqual([undefined, undefined]);
  },
);

it.each(['ParameterNotFoundAtAll', 'NoParameterNotFound', 'AccessDeniedException'])(
  'one that cannot be read fails with the error of AWS: %s',
  async (name) => {
    const read = createParameterReader({ many: async () => ({}), one: () => Promise.reject(named(name)) });
    await expect(read('/a')).rejects.toThrow(name);
  },
);

it('a refused call is made one by one, so that a forbidden parameter fails alone', async () => {
  const { read, calls } = createFixture({ '/a': 'x', '/b': 'forbidden' }, named('AccessDeniedException'));
  const [a, b, c] = await Promise.allSettled([read('/a'), read('/b'), read('/c')]);
  expect(a).toMatchObject({ value: 'x' });
  expect(b).toMatchObject({ reason: { name: 'AccessDeniedException' } });
  expect(c).toMatchObject({ status: 'fulfilled', value: undefined });
  expect(calls).toEqual(['/a,/b,/c', '/a', '/b', '/c']);
});

it('while AWS does not answer all fail, and none is read alone', async () => {
  const { read, calls } = createFixture({ '/a': 'x' }, named('ThrottlingException'));
  const found = await Promise.allSettled([read('/a'), read('/b')]);
  expect(found.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(calls).toEqual(['/a,/b']);
});

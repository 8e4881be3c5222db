import { describe, expect, it } from 'vitest';
import { ConfigError } from '../core/errors.ts';
import { foldNames } from './policy-size.ts';

const named = (path: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${path}/cluster-${i}`);

describe('names of parameters in policies', () => {
  it('stay unchanged while they fit, without duplicates', () => {
    const names = named('/bartizan/keys', 60);
    expect(foldNames([...names, ...names])).toEqual({ names: names.toSorted(), folded: [] });
  });

  it('are folded into the path that saves most, and only as far as necessary', () => {
    const names = [...named('/a/keys', 1_000), ...named('/a/tokens', 100), '/a/one'];
    const { names: kept, folded } = foldNames(names);
    expect(folded).toEqual(['/a/keys/*']);
    expect(kept).toContain('/a/tokens/cluster-7');
    expect(kept).toHaveLength(102);
  });

  it('are folded into wider paths when each has its own path', () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `/clusters/c${i}/ssh-key`);
    expect(foldNames(names)).toEqual({ names: ['/clusters/*'], folded: ['/clusters/*'] });
  });

  it('are not folded into a path with parameters of another function', () => {
    const keys = named('/bartizan', 1_000);
    expect(() => foldNames(keys, ['/bartizan/slack-token'])).toThrow('put them under a path of their own');
    expect(foldNames(keys, ['/bartizan/cluster-1', '/other/slack-token']).folded).toEqual(['/bartizan/*']);
  });

  it('are refused when they have no path', () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);
    expect(() => foldNames(names)).toThrow(
      new ConfigError(
        '1000 parameters of Systems Manager do not fit into the policies of a function; put them under a path of their own, such as /bartizan/keys/NAME',
      ),
    );
  });
});

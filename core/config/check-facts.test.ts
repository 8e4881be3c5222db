import { expect, it } from 'vitest';
import { configOf, configText, TEST_KINDS } from '../../test/config-cases.ts';

it('a check whose kind logs in to no node with its options is one without login', () => {
  const [usage] = TEST_KINDS.probes;
  if (!usage) throw new Error('no kind');
  const probes = [{ ...usage, logsIn: ({ top }: Readonly<Record<string, unknown>>) => top !== 7 }];
  const checks = 'checks: [{ name: a, probe: usage, top: 7 }, { name: b, probe: usage }]\n';
  const config = configOf(configText({ checks }), { kinds: { ...TEST_KINDS, probes } });
  expect(config.checks.map(({ name, withoutLogin }) => [name, withoutLogin])).toEqual([
    ['a', true],
    ['b', undefined],
  ]);
});

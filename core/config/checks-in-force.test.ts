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

it('the checks of a preset come beside those of the file, or beside the default', () => {
  const checksOf = (text: string) =>
    configOf(configText({ checks: text })).checks.map(({ name, everyMs, where, options }) => [
      name,
      everyMs / 60_000,
      where,
      options,
    ]);
  expect(checksOf('presets: [{ preset: plain, where: { cluster: "prod-*" } }]\n')).toEqual([
    ['usage', 1, {}, {}],
    ['plain-usage', 60, { role: ['etcd'], cluster: ['prod-*'] }, { top: 7 }],
    ['plain-usage-all', 1, { cluster: ['prod-*'] }, {}],
  ]);
  const own = 'checks: [{ name: mine, probe: usage }]\n';
  expect(checksOf(`${own}presets: [{ preset: plain, where: { role: apiserver } }]\n`)).toEqual([
    ['mine', 1, {}, {}],
    ['plain-usage-all', 1, { role: ['apiserver'] }, {}],
  ]);
  expect(checksOf(`${own}presets: [{ preset: plain, without: [usage] }]\n`)).toHaveLength(1);
});

it.each([
  ['etcd', ['etcd']],
  ['controlplane', []],
  ['[e*, apiserver]', ['etcd']],
  ['"*"', ['etcd']],
])('a preset with `role: %s` makes no check of what nodes of that role do not have', (role, expected) => {
  const text = `presets: [{ preset: plain, where: { role: ${role} } }]\n`;
  const checks = configOf(configText({ checks: text })).checks.filter(({ name }) => name === 'plain-usage');
  expect(checks.flatMap(({ where }) => where.role)).toEqual(expected);
});

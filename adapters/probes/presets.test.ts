import { expect, it } from 'vitest';
import { METRICS } from '../../core/catalogue.ts';
import { configOf, configText, problemsOf } from '../../test/config-cases.ts';
import { KINDS } from '../registry.ts';
import { PRESETS } from './presets.ts';
import { PROBES } from './registry.ts';

it.each(PRESETS.flatMap(({ type, checks }) => checks.map((check) => [type, check] as const)))(
  'the checks of %s have options that their kind takes',
  (_, { probe, options }) => {
    const kind = PROBES.find(({ type }) => type === probe);
    expect(kind?.options.safeParse(options).error).toBeUndefined();
  },
);

it.each(PRESETS.map(({ type }) => type))('%s can be used beside the default check', (preset) => {
  const { checks } = configOf(configText({ checks: `presets: [{ preset: ${preset} }]\n` }), { kinds: KINDS });
  expect(checks[0]?.name).toBe('usage');
  expect(checks.length).toBeGreaterThan(1);
});

it('talos has no check that logs in', () => {
  const talos = configOf(configText({ checks: 'presets: [{ preset: talos }]\n' }), { kinds: KINDS });
  expect(talos.checks.map(({ name, withoutLogin }) => [name, withoutLogin])).toEqual([
    ['usage', undefined],
    ['talos-apiserver', true],
    ['talos-tls', true],
  ]);
});

it.each<[string, string, string | undefined]>([
  ['the default check', 'presets: [{ preset: talos }]', 'write `checks: []`, or checks that need no login'],
  ['no other check', 'checks: []\npresets: [{ preset: talos }]', undefined],
  [
    'a check of its own of all nodes',
    'checks: [{ name: mine, probe: usage }]\npresets: [{ preset: talos, where: { role: apiserver } }]',
    'take them out of these checks by `whereNot`',
  ],
  [
    'a check that leaves them out',
    'checks: [{ name: mine, probe: usage, whereNot: { role: apiserver } }]\npresets: [{ preset: talos, where: { role: apiserver } }]',
    undefined,
  ],
  ['checks of a distribution that has SSH', 'presets: [{ preset: kubeadm }]', undefined],
])('beside talos, %s', (_, checks, suggestion) => {
  const problems = problemsOf(configText({ checks: `${checks}\n` }), { kinds: KINDS });
  const found = problems.filter(({ path, message }) => path.startsWith('presets') || /checked/.test(message));
  expect(found.map((one) => one.suggestion)).toEqual(suggestion === undefined ? [] : [suggestion]);
});

it('each metric of the catalogue is measured by a kind of check, or by the program itself', () => {
  const types = new Set(PROBES.map(({ type }) => type));
  const unmeasured = METRICS.filter(({ probes }) => probes && !probes.some((probe) => types.has(probe)));
  expect(unmeasured.map(({ name }) => name)).toEqual([]);
});

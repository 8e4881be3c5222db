import { expect, it } from 'vitest';
import { METRICS } from '../../core/catalogue.ts';
import { configOf, configText } from '../../test/config-cases.ts';
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

it('each metric of the catalogue is measured by a kind of check, or by the program itself', () => {
  const types = new Set(PROBES.map(({ type }) => type));
  const unmeasured = METRICS.filter(({ probes }) => probes && !probes.some((probe) => types.has(probe)));
  expect(unmeasured.map(({ name }) => name)).toEqual([]);
});

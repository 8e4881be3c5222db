// The checks in force: those of the file or the default, and those of presets.

import { globMatches } from '../labels.ts';
import type { Check } from '../model/check.ts';
import type { LabelGlobs } from '../model/labels.ts';
import { type AdapterKinds, type Preset, readOptions } from '../registry.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { commandOf } from './command-checks.ts';
import { DEFAULT_CHECKS } from './defaults.ts';
import { type Draft, textOf, textsOf } from './draft.ts';
import { errorAt, type Finding } from './problem.ts';

/** Leaves invalid checks out. */
export function checksInForce(draft: Draft, kinds: AdapterKinds): Check[] {
  const { checks, presets } = draft;
  const own = checks?.flatMap(({ value }) => value ?? []) ?? DEFAULT_CHECKS;
  const preset = presets.flatMap(({ value }) => {
    const known = kinds.presets.find(({ type }) => type === value?.preset);
    return value && known ? presetChecks(known, value) : [];
  });
  return [...own, ...preset].map((check) => {
    const kind = kinds.probes.find(({ type }) => type === check.probe);
    const options = kind && readOptions(kind, check.options);
    const command = commandOf(draft, kind, check.options);
    const withoutLogin = options && kind.logsIn?.(options) === false;
    return { ...check, ...(withoutLogin && { withoutLogin }), ...(command && { command }) };
  });
}

/** The checks of a preset, with names of their own. */
export function presetChecks(
  { type, checks }: Preset,
  { where, without }: { where: LabelGlobs; without: readonly string[] },
): Check[] {
  return checks
    .filter(({ probe }) => !without.includes(probe))
    .flatMap(({ probe, roles, everyMs, options, suffix = '' }) => {
      const role = roles?.filter((one) => where.role === undefined || isMatched(where.role, one));
      // Nodes of these roles have no such service.
      if (role?.length === 0) return [];
      const name = `${type}-${probe}${suffix}`;
      return [{ name, probe, everyMs, where: { ...where, ...(role && { role }) }, options }];
    });
}

function isMatched(globs: readonly string[], value: string): boolean {
  return globs.some((glob) => globMatches(glob, value));
}

/** Reports presets that clash with each other or with a check, and names of probes that a preset does not have. */
export function* checkPresets(draft: Draft, kinds: AdapterKinds): Generator<Finding> {
  const used = new Set<string>();
  const names = new Set((draft.checks ?? []).map(({ raw }) => textOf(raw, 'name')));
  for (const { path, raw } of draft.presets) {
    const type = textOf(raw, 'preset') ?? '';
    const preset = kinds.presets.find((one) => one.type === type);
    if (!preset) continue;
    if (used.has(type))
      yield errorAt(
        [...path, 'preset'],
        `preset ${quoted(type)} is used twice`,
        'write all globs in the `where` of one',
      );
    used.add(type);
    const probes = [...new Set(preset.checks.map(({ probe }) => probe))];
    for (const { at, text } of textsOf(raw, 'without')) {
      if (!probes.includes(text))
        yield errorAt(
          [...path, ...at],
          `preset ${quoted(type)} has no probe ${quoted(text)}`,
          choose(text, probes, 'it has'),
        );
    }
    const taken = presetChecks(preset, { where: {}, without: [] }).find(({ name }) => names.has(name));
    if (taken)
      yield errorAt(
        [...path, 'preset'],
        `it makes a check ${quoted(taken.name)}, and another check is called so`,
        'rename that one',
      );
  }
}

// Presets of a distribution without SSH, beside checks that log in.

import type { Check } from '../model/check.ts';
import type { AdapterKinds } from '../registry.ts';
import { isSelected } from '../selection.ts';
import { quoted, quotedList } from '../text/suggestions.ts';
import { presetChecks } from './checks-in-force.ts';
import type { Draft } from './draft.ts';
import type { Fleet } from './possible-alerts.ts';
import { type Finding, warningAt } from './problem.ts';

/** Checks that log in at nodes of such a preset: each of these nodes would be called down. */
export function* presetLints({
  draft,
  nodes,
  checks,
  kinds,
}: Pick<Fleet, 'nodes'> & {
  draft: Draft;
  checks: readonly Check[];
  kinds: AdapterKinds;
}): Generator<Finding> {
  for (const { path, value } of draft.presets) {
    const preset = kinds.presets.find(({ type }) => type === value?.preset);
    if (!value || !preset?.withoutSsh) continue;
    const own = presetChecks(preset, value);
    const mine = nodes.filter((node) => own.some((check) => isSelected(check, node)));
    const wrong = checks.filter(
      (check) => !check.withoutLogin && mine.some((node) => isSelected(check, node)),
    );
    if (wrong.length === 0) continue;
    const names = quotedList(wrong.map(({ name }) => name));
    yield warningAt(
      [...path, 'preset'],
      `nodes of ${quoted(preset.type)} have no SSH, and ${names} ${wrong.length === 1 ? 'logs' : 'log'} in there: they are called down`,
      mine.length === nodes.length
        ? 'write `checks: []`, or checks that need no login'
        : 'take them out of these checks by `whereNot`',
    );
  }
}

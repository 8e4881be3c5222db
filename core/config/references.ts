// What one part of the file says of another. Reads what was written, so that other mistakes hide nothing.

import { GROUP_LABELS } from '../catalogue.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { type Draft, type Item, textOf, textsOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { CHECKED_LABELS, labelsOf, ROUTED_LABELS, unknownLabel, unknownMatchers } from './matchers.ts';
import { errorAt, type Finding, type Path } from './problem.ts';

/** @param ruleNames also of default rules */
export function unknownReferences(draft: Draft, ruleNames: readonly string[]): Finding[] {
  const bastions = namesOf(draft.bastions);
  const channels = namesOf(draft.channels);
  const link = (path: Path, name: string | undefined, known: readonly string[], what: string): Finding[] => {
    if (name === undefined || known.includes(name) || draft.unreadable.has(`${what}s`)) return [];
    const suggestion = choose(name, known, 'there are') ?? `no ${what} is defined`;
    return [errorAt(path, `there is no ${what} ${quoted(name)}`, suggestion)];
  };
  const known = {
    rules: draft.unreadable.has('rules') ? undefined : ruleNames,
    clusters:
      draft.unreadable.has('clusters') || draft.inventory.length > 0 ? undefined : namesOf(draft.clusters),
  };
  return [
    ...draft.clusters.flatMap(({ path, raw }) =>
      link([...path, 'bastion'], textOf(raw, 'bastion'), bastions, 'bastion'),
    ),
    ...(draft.channels ?? []).flatMap(({ path, raw }) =>
      link([...path, 'fallback'], textOf(raw, 'fallback'), channels, 'channel'),
    ),
    ...(draft.routes ?? []).flatMap(({ path, raw }) => [
      ...textsOf(raw, 'channels').flatMap(({ index, text }) =>
        link([...path, 'channels', index], text, channels, 'channel'),
      ),
      ...textsOf(raw, 'groupBy').flatMap(({ index, text }) =>
        unknownLabel([...path, 'groupBy', index], text, ROUTED_LABELS),
      ),
      ...unknownMatchers(valueAt(raw, 'match'), [...path, 'match'], known),
    ]),
    ...draft.silences.flatMap(({ path, raw }) =>
      unknownMatchers(valueAt(raw, 'match'), [...path, 'match'], known),
    ),
    ...(draft.checks ?? []).flatMap(({ path, raw }) => [
      ...labelsOf(valueAt(raw, 'where')).flatMap((label) =>
        unknownLabel([...path, 'where', label], label, GROUP_LABELS.node),
      ),
      ...labelsOf(valueAt(raw, 'whereNot')).flatMap((label) =>
        unknownLabel([...path, 'whereNot', label], label, CHECKED_LABELS),
      ),
    ]),
    ...(draft.rules ?? []).flatMap(({ path, raw }) =>
      textsOf(raw, 'inhibitedBy').flatMap(({ index, text }) =>
        link([...path, 'inhibitedBy', index], text, ruleNames, 'rule'),
      ),
    ),
  ];
}

export function namesOf(items: readonly Item<unknown>[] | undefined): string[] {
  return (items ?? []).flatMap(({ raw }) => textOf(raw, 'name') ?? []);
}

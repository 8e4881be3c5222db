// What one part of the file says of another. Reads what was written, so that other mistakes hide nothing.
import { findMetric, GROUP_LABELS, METRICS } from '../catalogue.ts';
import type { Draft } from './draft.ts';
import { badMatch, labelsOf, ROUTED_LABELS, unknownLabel } from './matches.ts';
import { choose, errorAt, type Finding, type Path, quoted } from './problem.ts';
import { field, type Item, textOf, textsOf } from './reader.ts';

/** @param ruleNames also of default rules */
export function brokenLinks(draft: Draft, ruleNames: readonly string[]): Finding[] {
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
      ...badMatch(field(raw, 'match'), [...path, 'match'], known),
    ]),
    ...draft.silences.flatMap(({ path, raw }) => badMatch(field(raw, 'match'), [...path, 'match'], known)),
    ...(draft.checks ?? []).flatMap(({ path, raw }) =>
      labelsOf(field(raw, 'where')).flatMap((label) =>
        unknownLabel([...path, 'where', label], label, GROUP_LABELS.node),
      ),
    ),
    ...(draft.rules ?? []).flatMap(({ path, raw }) => [
      ...textsOf(raw, 'inhibitedBy').flatMap(({ index, text }) =>
        link([...path, 'inhibitedBy', index], text, ruleNames, 'rule'),
      ),
      ...badMetric(raw, path),
    ]),
  ];
}

export function namesOf(items: readonly Item<unknown>[] | undefined): string[] {
  return (items ?? []).flatMap(({ raw }) => textOf(raw, 'name') ?? []);
}

/** The schema of a rule says the same, but not while a needed field is missing. */
function badMetric(raw: unknown, path: Path): Finding[] {
  const name = textOf(raw, 'metric');
  if (name === undefined || findMetric(name)) return [];
  return [
    errorAt(
      [...path, 'metric'],
      `there is no metric \`${name}\``,
      choose(
        name,
        METRICS.map((metric) => metric.name),
        'there are',
      ),
    ),
  ];
}

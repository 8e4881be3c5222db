// Names in one section that refer to another section. This reads the data of the file, so that other errors hide none of them.

import { findMetric, GROUP_LABELS } from '../catalogue.ts';
import { choose, quoted } from '../text/suggestions.ts';
import { type Draft, type Item, textOf, textOrTextsOf, textsOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { mayBeInventoryLabel } from './inventory-labels.ts';
import { inventoryNames } from './inventory-names.ts';
import { CHECKED_LABELS, labelsOf, ROUTED_LABELS, unknownLabel, unknownMatchers } from './matchers.ts';
import { errorAt, type Finding } from './problem.ts';
import type { RuleNames } from './rule-set.ts';

/** @param rules names of all rules, also of default ones */
export function unknownReferences(draft: Draft, rules: RuleNames): Finding[] {
  return [...references(draft, rules)];
}

function* references(draft: Draft, rules: RuleNames): Generator<Finding> {
  const { unreadable, bastions, clusters, inventory, channels = [], routes = [] } = draft;
  const names = { bastion: namesOf(bastions), channel: namesOf(channels), rule: rules.taken };
  function* unknownNames(items: readonly Item<unknown>[], key: string, what: keyof typeof names) {
    if (unreadable.has(`${what}s`)) return;
    for (const { path, raw } of items) {
      for (const { at, text } of textOrTextsOf(raw, key)) {
        if (names[what].includes(text)) continue;
        const suggestion = choose(text, names[what], 'there are') ?? `no ${what} is defined`;
        yield errorAt([...path, ...at], `there is no ${what} ${quoted(text)}`, suggestion);
      }
    }
  }
  yield* unknownNames(clusters, 'bastion', 'bastion');
  yield* unknownNames(channels, 'fallback', 'channel');
  yield* unknownNames(routes, 'channels', 'channel');
  for (const key of ['inhibitedBy', 'supersededBy'])
    yield* unknownNames([...(draft.rules ?? []), ...draft.rulesChange], key, 'rule');

  const ofInventory = inventoryNames(draft);
  const known = {
    ofInventory,
    rules: unreadable.has('rules') ? undefined : rules.made,
    clusters: unreadable.has('clusters') || inventory.length > 0 ? undefined : namesOf(clusters),
  };
  for (const { path, raw } of [...routes, ...draft.silences])
    yield* unknownMatchers(valueAt(raw, 'match'), [...path, 'match'], known);
  for (const { path, raw } of routes) {
    for (const { at, text } of textsOf(raw, 'groupBy'))
      if (!ofInventory.has(text))
        yield* unknownLabel([...path, ...at], text, [...ROUTED_LABELS, ...ofInventory.names]);
  }
  for (const { path, raw } of [...(draft.rules ?? []), ...draft.rulesChange]) {
    const metric = textOf(raw, 'metric') ?? textOf(valueAt(raw, 'ratio'), 'of') ?? '';
    const what = metric === '' ? 'there is' : `${quoted(metric)} has`;
    const labels = [...GROUP_LABELS[findMetric(metric)?.group ?? 'node'], ...ofInventory.names];
    for (const key of ['where', 'whereNot']) {
      for (const label of labelsOf(valueAt(raw, key))) {
        // The schema finds names that no cluster or node may have.
        if (!mayBeInventoryLabel(label) || ofInventory.has(label)) continue;
        const message = `${what} no label ${quoted(label)}`;
        yield {
          ...errorAt([...path, key, label], message, choose(label, labels, 'possible here')),
          at: 'key',
        };
      }
    }
  }
  for (const { path, raw } of draft.checks ?? []) {
    for (const [key, labels] of [
      ['where', GROUP_LABELS.node],
      ['whereNot', CHECKED_LABELS],
    ] as const) {
      for (const label of labelsOf(valueAt(raw, key)))
        yield* unknownLabel([...path, key, label], label, labels);
    }
  }
}

export function namesOf(items: readonly Item<unknown>[] | undefined): string[] {
  return (items ?? []).flatMap(({ raw }) => textOf(raw, 'name') ?? []);
}

// Cycles of references: channels that fall back on each other, rules that inhibit each other.

import { findMetric } from '../catalogue.ts';
import { isWithoutCluster } from '../evaluate/alert-labels.ts';
import type { Check } from '../model/check.ts';
import { quoted } from '../text/suggestions.ts';
import { type Draft, type Item, textOf, textOrTextsOf, textsOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { errorAt, type Finding, type Path, warningAt } from './problem.ts';
import { changedDefaults } from './rule-changes.ts';
import { isMeant } from './rule-names.ts';

interface Reference {
  from: string;
  to: string;
  /** Undefined where the file does not write it, but a default rule has it. */
  path: Path | undefined;
}

/** An element that has references, or a default rule. */
type Named = Pick<Item<unknown>, 'raw'> & { name: string; pathOf(at: Path): Path | undefined };

export function* cycles(draft: Draft, checks: readonly Check[]): Generator<Finding> {
  const channels = namedItems(draft.channels);
  yield* cyclesOf(referencesOf(channels, 'fallback'), 'channels fall back on each other');
  const rules = [...namedItems(draft.rules), ...namedDefaults(draft, checks)];
  const quieting = ['inhibitedBy', 'supersededBy'].flatMap((key) => referencesOf(rules, key));
  yield* cyclesOf(quieting, 'rules keep each other quiet');
  yield* idleInhibitions(rules);
}

function namedItems(items: readonly Item<unknown>[] = []): Named[] {
  return items.flatMap(({ raw, path }) => {
    const name = textOf(raw, 'name');
    return name === undefined ? [] : [{ name, raw, pathOf: (at) => [...path, ...at] }];
  });
}

function namedDefaults(draft: Draft, checks: readonly Check[]): Named[] {
  if (draft.rulesOff === undefined) return [];
  return changedDefaults(draft, checks).map(({ text, path, raw }) => ({
    name: text.name,
    raw: text,
    pathOf: (at) => (path.length > 0 && at.reduce(valueAt, raw) !== undefined ? [...path, ...at] : undefined),
  }));
}

/** A reference to a tier is one to its rule, as all tiers of a rule are inhibited by the same rules. */
function referencesOf(named: readonly Named[], key: string): Reference[] {
  const names = named.map(({ name }) => name);
  return named.flatMap(({ name, raw, pathOf }) =>
    textOrTextsOf(raw, key).map(({ at, text }) => {
      const to = names.includes(text) ? text : (names.find((one) => isMeant(one, text)) ?? text);
      return { from: name, to, path: pathOf(at) };
    }),
  );
}

/** Reports each cycle once, at the reference that closes it, or at the last one that the file writes. */
function* cyclesOf(references: readonly Reference[], what: string): Generator<Finding> {
  const byName = Map.groupBy(references, ({ from }) => from);
  const done = new Set<string>();
  function* visit(name: string, trail: readonly Reference[]): Generator<Finding> {
    if (done.has(name)) return;
    for (const reference of byName.get(name) ?? []) {
      const here = [...trail, reference];
      const start = here.findIndex(({ from }) => from === reference.to);
      if (start < 0) {
        yield* visit(reference.to, here);
        continue;
      }
      const cycle = here.slice(start);
      const path = cycle.findLast((one) => one.path)?.path ?? [];
      const names = [...cycle.map(({ from }) => from), reference.to].map(quoted).join(' → ');
      yield errorAt(path, `${what}: ${names}`, 'take out one of these references');
    }
    done.add(name);
  }
  for (const name of byName.keys()) yield* visit(name, []);
}

/** Only an alert of the same cluster and node inhibits, and an alert about a bastion or the whole fleet has neither. */
function* idleInhibitions(rules: readonly Named[]): Generator<Finding> {
  const metricOf = (raw: unknown) =>
    findMetric(textOf(raw, 'metric') ?? textOf(valueAt(raw, 'ratio'), 'of') ?? '');
  for (const { raw, pathOf } of rules) {
    for (const { at, text } of textsOf(raw, 'inhibitedBy')) {
      const other = metricOf(rules.find(({ name }) => isMeant(name, text))?.raw);
      const mine = metricOf(raw);
      const path = pathOf(at);
      if (!path || !mine || !other) continue;
      if (isWithoutCluster({ metric: mine.name }) === isWithoutCluster({ metric: other.name })) continue;
      const isOfBastion = mine.group === 'bastion' || other.group === 'bastion';
      yield warningAt(
        path,
        `${quoted(text)} never keeps this quiet: alerts of ${isOfBastion ? 'bastions' : 'the fleet'} and of nodes share no cluster and node`,
        isOfBastion ? 'leave it out; while a bastion fails its nodes are unknown, not down' : 'leave it out',
      );
    }
  }
}

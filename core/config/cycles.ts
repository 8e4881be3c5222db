// Cycles of references: channels that fall back on each other, rules that inhibit each other.

import { findMetric } from '../catalogue.ts';
import { quoted } from '../text/suggestions.ts';
import { type Draft, type Item, textOf, textOrTextsOf, textsOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { errorAt, type Finding, warningAt } from './problem.ts';

export function* cycles(draft: Draft): Generator<Finding> {
  yield* cyclesOf(draft.channels, 'fallback', 'channels fall back on each other');
  yield* cyclesOf(draft.rules, 'inhibitedBy', 'rules keep each other quiet');
  yield* idleInhibitions(draft);
}

/** Reports each cycle once, at the reference that closes it. */
function* cyclesOf(items: readonly Item<unknown>[] = [], key: string, what: string): Generator<Finding> {
  const byName = new Map(items.map((item) => [textOf(item.raw, 'name') ?? '', item]));
  const done = new Set<string>();
  function* visit(name: string, trail: readonly string[]): Generator<Finding> {
    const item = byName.get(name);
    if (!item || done.has(name)) return;
    const here = [...trail, name];
    for (const { at, text } of textOrTextsOf(item.raw, key)) {
      if (!here.includes(text)) yield* visit(text, here);
      else {
        const cycle = [...here.slice(here.indexOf(text)), text].map(quoted).join(' → ');
        yield errorAt([...item.path, ...at], `${what}: ${cycle}`, 'take out one of these references');
      }
    }
    done.add(name);
  }
  for (const name of byName.keys()) yield* visit(name, []);
}

/** Only an alert of the same cluster and node inhibits, and an alert about a bastion has neither. */
function* idleInhibitions({ rules = [] }: Draft): Generator<Finding> {
  const groupOf = (raw: unknown) =>
    findMetric(textOf(raw, 'metric') ?? textOf(valueAt(raw, 'ratio'), 'of') ?? '')?.group;
  for (const { path, raw } of rules) {
    for (const { at, text } of textsOf(raw, 'inhibitedBy')) {
      const other = groupOf(rules.find((rule) => textOf(rule.raw, 'name') === text)?.raw);
      const mine = groupOf(raw);
      if (!mine || !other || (mine === 'bastion') === (other === 'bastion')) continue;
      yield warningAt(
        [...path, ...at],
        `${quoted(text)} never keeps this quiet: alerts of bastions and of nodes share no cluster and node`,
        'leave it out; while a bastion fails its nodes are unknown, not down',
      );
    }
  }
}

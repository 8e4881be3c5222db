// Cycles of references: channels that fall back on each other, rules that inhibit each other.

import { findMetric } from '../catalogue.ts';
import { quoted } from '../text/suggestions.ts';
import { type Draft, type Item, textOf, textsOf } from './draft.ts';
import { valueAt } from './fields.ts';
import { errorAt, type Finding, warningAt } from './problem.ts';

export function cycles(draft: Draft): Finding[] {
  return [
    ...cyclesOf(draft.channels, 'fallback', 'channels fall back on each other'),
    ...cyclesOf(draft.rules, 'inhibitedBy', 'rules keep each other quiet'),
    ...idleInhibitions(draft),
  ];
}

/** One finding a cycle, at the reference that closes it. */
function cyclesOf(items: readonly Item<unknown>[] | undefined, key: string, what: string): Finding[] {
  const byName = new Map((items ?? []).map((item) => [textOf(item.raw, 'name') ?? '', item]));
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (name: string, trail: readonly string[]) => {
    const item = byName.get(name);
    if (!item || done.has(name)) return;
    const here = [...trail, name];
    for (const { path, to } of referencesOf(item, key)) {
      if (!here.includes(to)) visit(to, here);
      else {
        const cycle = [...here.slice(here.indexOf(to)), to].map(quoted).join(' → ');
        findings.push(errorAt(path, `${what}: ${cycle}`, 'take out one of these references'));
      }
    }
    done.add(name);
  };
  for (const name of byName.keys()) visit(name, []);
  return findings;
}

function referencesOf({ raw, path }: Item<unknown>, key: string) {
  const single = textOf(raw, key);
  if (single !== undefined) return [{ path: [...path, key], to: single }];
  return textsOf(raw, key).map(({ index, text }) => ({ path: [...path, key, index], to: text }));
}

/** Inhibition wants the same cluster and node: an alert about a bastion has neither. */
function idleInhibitions(draft: Draft): Finding[] {
  const groupOf = (name: string | undefined) => {
    const rule = draft.rules?.find(({ raw }) => textOf(raw, 'name') === name);
    const metric = textOf(rule?.raw, 'metric') ?? textOf(valueAt(rule?.raw, 'ratio'), 'of');
    return findMetric(metric ?? '')?.group;
  };
  return (draft.rules ?? []).flatMap(({ path, raw }) =>
    textsOf(raw, 'inhibitedBy').flatMap(({ index, text }) => {
      const [mine, other] = [groupOf(textOf(raw, 'name')), groupOf(text)];
      if (!mine || !other || (mine === 'bastion') === (other === 'bastion')) return [];
      const message = `${quoted(text)} never keeps this quiet: alerts of bastions and of nodes share no cluster and node`;
      return [
        warningAt(
          [...path, 'inhibitedBy', index],
          message,
          'leave it out; while a bastion fails its nodes are unknown, not down',
        ),
      ];
    }),
  );
}

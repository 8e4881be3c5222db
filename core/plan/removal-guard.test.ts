import { expect, it } from 'vitest';
import { type AcceptedFleet, checkRemoval, removalText } from './removal-guard.ts';

const MINUTE = 60_000;
const names = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `c/n${from + i}`);
const fleet = (count: number): AcceptedFleet => ({ nodes: names(count), gone: [] });

it.each<[string, number, number, object, 'accepted' | 'refused']>([
  ['the first fleet', -1, 0, {}, 'accepted'],
  ['a tenth', 100, 90, {}, 'accepted'],
  ['more than a tenth', 100, 89, {}, 'refused'],
  ['one of three', 3, 2, {}, 'accepted'],
  ['two of three', 3, 1, {}, 'accepted'],
  ['all three', 3, 0, {}, 'refused'],
  ['the only one', 1, 0, {}, 'refused'],
  ['three of ten', 10, 7, {}, 'refused'],
  ['a whole cluster that was allowed', 100, 10, { isAllowed: true }, 'accepted'],
  ['a third where the setting says so', 100, 67, { mostPercent: 33 }, 'accepted'],
  ['everything where the setting says so', 100, 0, { mostPercent: 100 }, 'accepted'],
  ['three where none may go', 100, 97, { mostPercent: 0 }, 'refused'],
])('%s', (_, before, after, options, kind) => {
  const accepted = before < 0 ? undefined : fleet(before);
  expect(checkRemoval({ accepted, nodes: names(after), nowMs: 0, ...options }).kind).toBe(kind);
});

it('is about nodes and not about their number', () => {
  expect(checkRemoval({ accepted: fleet(100), nodes: names(100, 50), nowMs: 0 }).kind).toBe('refused');
});

/** How many steps are accepted that each take nine percent of what is left. */
function stepsOfNine(everyMs: number): number {
  let accepted = fleet(100);
  for (let step = 1; step <= 5; step++) {
    const nodes = accepted.nodes.slice(Math.floor(accepted.nodes.length * 0.09));
    const verdict = checkRemoval({ accepted, nodes, nowMs: step * everyMs });
    if (verdict.kind === 'refused') return step - 1;
    accepted = verdict.fleet;
  }
  return 5;
}

it('adds up what goes within an hour', () => {
  expect(stepsOfNine(MINUTE)).toBe(1);
  expect(stepsOfNine(61 * MINUTE)).toBe(5);
});

it('counts no node as gone that is back', () => {
  let accepted = fleet(20);
  for (const nodes of [names(18), names(20), names(18), names(20)]) {
    const verdict = checkRemoval({ accepted, nodes, nowMs: 0 });
    if (verdict.kind === 'refused') throw new Error('refused');
    accepted = verdict.fleet;
  }
  expect(accepted).toEqual(fleet(20));
});

it('names some of the nodes', () => {
  const verdict = checkRemoval({ accepted: fleet(40), nodes: names(33), nowMs: 0 });
  expect(verdict.kind === 'refused' && removalText(verdict.refusal)).toBe(
    '7 of 40 nodes would go within an hour, and 4 may: c/n33, c/n34, c/n35, c/n36, c/n37, and 2 more',
  );
});

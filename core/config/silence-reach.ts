import type { Labels } from '../model/labels.ts';
import type { Rule } from '../model/rule.ts';
import type { Matcher } from '../model/silence.ts';
import { compileSilence } from '../notify/silences.ts';
import { ROUTED_LABELS } from './matchers.ts';
import { alertsOf, type Fleet } from './possible-alerts.ts';

export interface SilenceReach {
  /** How many nodes match by cluster, name, role and labels of the inventory; undefined when no matcher is on one of these. */
  nodes: number | undefined;
  /** Rules that can have a matching alert. */
  rules: readonly string[];
}

const NODE_LABELS: readonly string[] = ['cluster', 'node', 'role'];

/** Finds what a silence can cover with today's rules and fleet. Labels that only a probe knows may have any value. */
export function silenceReach(
  matchers: readonly Matcher[],
  fleet: Fleet & { rules: readonly Rule[] },
): SilenceReach {
  const ofNodes = matchers.filter(({ name }) => NODE_LABELS.includes(name) || !ROUTED_LABELS.includes(name));
  const rules = fleet.rules.filter((rule) => {
    const possible = alertsOf(rule, fleet);
    const free = new Set(possible[0]?.free);
    const allows = allowing(matchers.filter(({ name }) => !free.has(name)));
    return possible.some(({ labels }) => allows(labels));
  });
  const allows = allowing(ofNodes);
  return {
    nodes: ofNodes.length === 0 ? undefined : fleet.nodes.filter((node) => allows({ ...node })).length,
    rules: rules.map(({ name }) => name),
  };
}

/** Compiles matchers once: a fleet may have tens of thousands of nodes. */
function allowing(matchers: readonly Matcher[]): (labels: Labels) => boolean {
  if (matchers.length === 0) return () => true;
  const silence = { id: '', matchers, fromMs: 0, untilMs: 0, createdAtMs: 0, author: '', comment: '' };
  const { covers } = compileSilence(silence);
  return (labels) => covers({ alertId: '', labels, sinceMs: 0, status: 'firing' });
}

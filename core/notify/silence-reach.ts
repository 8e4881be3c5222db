import { alertPlaces } from '../config/idle-matches.ts';
import type { Labels, Matcher, Rule } from '../model.ts';
import { compileSilence } from './silences.ts';

export interface SilenceReach {
  /** Nodes that the matchers allow by cluster, name and role; undefined where they ask for none of these. */
  nodes: number | undefined;
  /** Rules that can have an alert which the matchers allow. */
  rules: readonly string[];
}

const NODE_LABELS: readonly string[] = ['cluster', 'node', 'role'];

/** What a silence can be about with today's rules and fleet. Labels that only a probe knows may have any value. */
export function silenceReach(
  matchers: readonly Matcher[],
  fleet: {
    rules: readonly Rule[];
    nodes: readonly { cluster: string; node: string; role: string }[];
    bastions: readonly string[];
  },
): SilenceReach {
  const ofNodes = matchers.filter(({ name }) => NODE_LABELS.includes(name));
  const rules = new Set<string>();
  for (const rule of fleet.rules) {
    const places = alertPlaces([rule], fleet);
    const isMatched = places.some(({ labels, free }) =>
      allow(
        matchers.filter(({ name }) => !free.includes(name)),
        labels,
      ),
    );
    if (isMatched) rules.add(rule.name);
  }
  return {
    nodes:
      ofNodes.length === 0 ? undefined : fleet.nodes.filter((node) => allow(ofNodes, { ...node })).length,
    rules: [...rules],
  };
}

function allow(matchers: readonly Matcher[], labels: Labels): boolean {
  if (matchers.length === 0) return true;
  const silence = { id: '', matchers, fromMs: 0, untilMs: 0, createdAtMs: 0, author: '', comment: '' };
  return compileSilence(silence).covers({ alertId: '', labels, sinceMs: 0, status: 'firing' });
}

import type { Metric } from './fleet.ts';
import type { Violations } from './invariants.ts';
import { END } from './plan.ts';
import type { Truth } from './truth.ts';

/**
 * The last verdict on each node is what its last hour was: nodes stay as they are for longer than any rule holds, so
 * that the generated samples alone say what must fire.
 */
export function checkVerdicts({ fixture, episodes, final }: Truth, violated: Violations): void {
  const { fleet } = fixture.plan;
  const fires = new Set(
    episodes
      .filter(({ resolved, superseded }) => !resolved && !superseded)
      .map(({ rule, labels }) => `${rule}/${labels.node}`),
  );
  for (const rule of final.rules) {
    if (rule.aggregate) continue;
    const metric = rule.metric as Metric;
    for (const node of fleet.clusters.flatMap(({ nodes }) => nodes)) {
      // Of a node that is down nothing is known: its other alerts stay as they were.
      if (metric !== 'up' && fleet.breaches('up', node, END)) continue;
      const expected = fleet.breaches(metric, node, END);
      const name = `${rule.name}/${node}`;
      if (fires.has(name) === expected) continue;
      violated(
        'the last verdict is not what the samples say',
        `${name} ${expected ? 'breaches' : 'is well'}`,
      );
    }
  }
}

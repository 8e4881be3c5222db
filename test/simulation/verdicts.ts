import type { Metric } from './fleet.ts';
import type { Violations } from './invariants.ts';
import { END } from './plan.ts';
import type { Truth } from './truth.ts';

/**
 * Nodes keep their values in the last hour, which is longer than any rule holds, so the generated samples alone
 * determine what must fire at the end.
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
      // A node that is down has no values, so its other alerts keep their state.
      if (metric !== 'up' && fleet.breaches('up', node, END)) continue;
      const expected = fleet.breaches(metric, node, END);
      const name = `${rule.name}/${node}`;
      if (fires.has(name) === expected) continue;
      violated(
        'the last verdict does not follow from the samples',
        `${name} ${expected ? 'breaches' : 'is well'}`,
      );
    }
  }
}

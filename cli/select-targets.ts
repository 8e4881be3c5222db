import { ConfigError } from '../core/errors.ts';
import { globMatches } from '../core/labels.ts';
import type { Target } from '../core/model.ts';

/**
 * Targets whose node, cluster or cluster/node matches one of the names; all without names.
 * @throws ConfigError for a name that matches nothing
 */
export function selectTargets(all: readonly Target[], names: readonly string[]): Target[] {
  const matches = (name: string, target: Target) =>
    [target.cluster, target.node, `${target.cluster}/${target.node}`].some((text) => globMatches(name, text));
  for (const name of names) {
    if (!all.some((target) => matches(name, target))) {
      const clusters = [...new Set(all.map((target) => target.cluster))].join(', ');
      throw new ConfigError(`no node or cluster is called ${name}; clusters are ${clusters}`);
    }
  }
  return names.length === 0 ? [...all] : all.filter((target) => names.some((name) => matches(name, target)));
}

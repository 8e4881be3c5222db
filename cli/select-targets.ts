import { ConfigError } from '../core/errors.ts';
import { globMatches } from '../core/labels.ts';
import type { Target } from '../core/model/target.ts';
import { choose, nearest } from '../core/text/suggestions.ts';

/**
 * The targets whose node, cluster or cluster/node matches one of the names; all targets without names.
 * @throws ConfigError for a name that matches nothing
 */
export function selectTargets(all: readonly Target[], names: readonly string[]): Target[] {
  const matches = (name: string, target: Target) =>
    [target.cluster, target.node, `${target.cluster}/${target.node}`].some((text) => globMatches(name, text));
  for (const name of names) {
    if (!all.some((target) => matches(name, target))) {
      throw new ConfigError(`no node or cluster is called ${name}; ${hintFor(name, all)}`);
    }
  }
  return names.length === 0 ? [...all] : all.filter((target) => names.some((name) => matches(name, target)));
}

/** Similar names, otherwise some of the clusters, of which there may be thousands. */
function hintFor(name: string, all: readonly Target[]): string {
  const clusters = [...new Set(all.map((target) => target.cluster))];
  const nodes = all.flatMap(({ cluster, node }) => [node, `${cluster}/${node}`]);
  const near = nearest(name, [...clusters, ...nodes]);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return choose(name, clusters, 'clusters are') ?? 'the configuration names none';
}

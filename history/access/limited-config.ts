import { globMatches } from '../../core/labels.ts';
import type { BastionConfig, Config } from '../../core/model/config.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import type { Silence } from '../../core/model/silence.ts';
import type { Sight } from './sight.ts';

/** A configuration in which nothing is a secret, refers to one, or is an address of a service that has some. */
export function withoutSecrets(config: Config): Config {
  const { heartbeat, metrics, oidc, ...server } = config.server;
  const { state, signatures, ...rest } = config;
  return {
    ...rest,
    bastions: config.bastions.map(withoutLogin),
    clusters: config.clusters.map(withoutLogin),
    inventory: [],
    commands: [],
    checks: config.checks.map(({ command, ...check }) => ({ ...check, options: {} })),
    channels: config.channels.map((channel) => ({ ...channel, options: {} })),
    store: { ...config.store, path: '', options: {} },
    audit: { keepMs: config.audit.keepMs, maxBytes: config.audit.maxBytes },
    server,
  };
}

function withoutLogin<T extends Partial<BastionConfig>>(one: T): T {
  const { privateKey, passphrase, agent, publicKey, ...rest } = one;
  return rest as T;
}

/**
 * Of it what is about nodes that are shown. Rules, checks, routes and names of channels are common to all: what an operator
 * writes in them is shown to everybody.
 */
export function limitConfig(config: Config, sight: Sight): Config {
  const { targets, sees } = sight;
  const bastions = new Set(targets.flatMap(({ bastion, otherBastions = [] }) => [bastion, ...otherBastions]));
  return {
    ...config,
    bastions: config.bastions.filter(({ name }) => bastions.has(name)),
    clusters: config.clusters.flatMap((cluster) => {
      const nodes = cluster.nodes.filter(({ name }) => sees({ cluster: cluster.name, node: name }));
      return nodes.length > 0 ? [{ ...cluster, nodes }] : [];
    }),
    silences: config.silences.flatMap((silence) => limitSilence(silence, sight)),
  };
}

/** As far as it covers nodes that are shown: their clusters and names stay of those that it lists. */
function limitSilence(silence: Silence, { targets }: Sight): Silence[] {
  const match: Record<string, readonly string[]> = { ...silence.match };
  for (const label of ['cluster', 'node', 'role'] as const) {
    const globs = silence.match[label];
    if (globs === undefined) continue;
    match[label] = globs.filter((glob) => targets.some((target) => globMatches(glob, target[label])));
    if (match[label].length === 0) return [];
  }
  if (sameGlobs(match, silence.match)) return [silence];
  // What an author says of several clusters may name those that are hidden.
  return [{ ...silence, match, comment: '' }];
}

function sameGlobs(one: LabelGlobs, other: LabelGlobs): boolean {
  return Object.keys(other).every((label) => one[label]?.length === other[label]?.length);
}

import { globMatches } from '../../core/labels.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import type { LabelGlobs } from '../../core/model/labels.ts';
import type { Matcher, Silence } from '../../core/model/silence.ts';
import type { HistoryConfig } from '../ports.ts';
import { compileSelector } from './selector.ts';
import type { Sight } from './sight.ts';

/** A configuration in which nothing is a secret, refers to one, or is an address of a service that has some. */
export function withoutSecrets(config: HistoryConfig): HistoryConfig {
  const { heartbeat, metrics, oidc, ...server } = config.server;
  const { state, signatures, ...rest } = config;
  return {
    ...rest,
    bastions: config.bastions.map(withoutLogin),
    clusters: config.clusters.map(withoutLogin),
    inventory: [],
    checks: config.checks.map(({ command, ...check }) => ({ ...check, options: {} })),
    channels: config.channels.map((channel) => ({ ...channel, options: {} })),
    store: { ...config.store, path: '', options: {} },
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
export function limitConfig(
  config: HistoryConfig,
  sight: Sight,
  selector: readonly Matcher[],
): HistoryConfig {
  const { targets, sees } = sight;
  const bastions = new Set(targets.flatMap(({ bastion, otherBastions = [] }) => [bastion, ...otherBastions]));
  return {
    ...config,
    bastions: config.bastions.filter(({ name }) => bastions.has(name)),
    clusters: config.clusters.flatMap((cluster) => {
      const nodes = cluster.nodes.filter(({ name }) => sees({ cluster: cluster.name, node: name }));
      return nodes.length > 0 ? [{ ...cluster, nodes }] : [];
    }),
    silences: config.silences.flatMap((silence) => limitSilence(silence, sight, selector)),
  };
}

/** What may narrow a silence without telling of nodes. */
const OF_RULES: readonly string[] = ['rule', 'severity'];
const WILDCARD = /[*?]/;

/**
 * Whole where its globs contain what the selector asks for. Otherwise as far as it lists clusters or nodes that are shown, without
 * what its author says of all of them.
 */
function limitSilence(silence: Silence, { targets }: Sight, selector: readonly Matcher[]): Silence[] {
  if (isWithin(silence.match, selector)) return [silence];
  if (!silence.match.cluster && !silence.match.node) return [];
  const match: Record<string, readonly string[]> = {};
  for (const [label, globs] of Object.entries(silence.match)) {
    match[label] = OF_RULES.includes(label)
      ? globs
      : globs.filter((glob) => targets.some((target) => globMatches(glob, labelOf(target, label))));
    if (match[label].length === 0) return [];
  }
  return [{ ...silence, match, comment: '' }];
}

function isWithin(match: LabelGlobs, selector: readonly Matcher[]): boolean {
  return selector.every((wanted) => {
    const sees = compileSelector([wanted]);
    return match[wanted.name]?.every((glob) => !WILDCARD.test(glob) && sees({ [wanted.name]: glob }));
  });
}

function labelOf({ cluster, node, role, labels }: Sight['targets'][number], label: string): string {
  const all: Readonly<Record<string, string>> = { ...labels, cluster, node, role };
  return Object.hasOwn(all, label) ? (all[label] ?? '') : '';
}

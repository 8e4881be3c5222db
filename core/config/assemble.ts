import type { z } from 'zod';
import type { BastionConfig, ClusterConfig, Config } from '../model/config.ts';
import type { AdapterKinds } from '../registry.ts';
import { checksInForce } from './checks-in-force.ts';
import { defaultRoutes } from './defaults.ts';
import type { Draft, Item } from './draft.ts';
import { resolvePath } from './file-path.ts';
import { rulesInForce } from './rule-set.ts';
import type { clusterSchema } from './schema.ts';

/** Makes the configuration of a draft without errors, and fills in every default. */
export function assembleConfig(
  draft: Draft,
  { kinds, ...folders }: { baseDir: string; home?: string; kinds: AdapterKinds },
): Config {
  const { type, path, retention, rollUpRetention, options } = needed(draft.store);
  const bastions = draft.bastions.map(needed);
  const checks = checksInForce(draft, kinds);
  const channels = draft.channels?.map(needed) ?? [];
  return {
    bastions,
    clusters: draft.clusters.map((item) =>
      clusterOf({ ...needed(item), nodes: item.nodes.map(needed) }, bastions),
    ),
    inventory: draft.inventory.map(needed),
    commands: draft.commands.map(needed),
    checks,
    rules: rulesInForce(draft, checks).map(({ rule }) => rule),
    channels,
    routes: draft.routes?.map(needed) ?? defaultRoutes(channels),
    silences: draft.silences.map(needed),
    store: {
      type,
      path: resolvePath(path, folders),
      retentionMs: retention,
      rollUpRetentionMs: rollUpRetention,
      options,
    },
    ...(draft.state && { state: needed(draft.state) }),
    schedule: needed(draft.schedule),
    sessions: needed(draft.sessions),
    ...(draft.removal && { removal: needed(draft.removal) }),
    ...(draft.signatures && {
      signatures: { file: resolvePath(needed(draft.signatures).file, folders) },
    }),
    ...(draft.log && { log: needed(draft.log) }),
    audit: needed(draft.audit),
    server: needed(draft.server),
  };
}

function needed<T>(item: Item<T>): T {
  if (item.value === undefined) throw new Error('the draft has errors');
  return item.value;
}

/** Gives each node of a valid cluster the user and port of its login. */
export function clusterOf(
  { name, defaults, nodes, bastion: ways, ...rest }: z.output<typeof clusterSchema>,
  bastions: readonly BastionConfig[],
): ClusterConfig {
  const [bastion = '', ...otherBastions] = ways;
  const user = defaults.user ?? bastions.find((candidate) => candidate.name === bastion)?.user ?? '';
  // Hashes of a configuration depend on this order.
  return {
    name,
    bastion,
    ...(otherBastions.length > 0 && { otherBastions }),
    ...rest,
    nodes: nodes.map((node) => ({
      ...node,
      port: node.port ?? defaults.port ?? 22,
      user: node.user ?? user,
    })),
  };
}

import { DEFAULT_CHECKS, defaultRoutes, defaultRules } from './defaults.ts';
import type { Draft } from './draft.ts';
import { resolvePath } from './file-path.ts';
import type { Item } from './reader.ts';
import type { BastionConfig, ClusterConfig, Config, Route } from './types.ts';

/** The configuration of a draft in which nothing is wrong, every default filled in. */
export function assembleConfig(draft: Draft, folders: { baseDir: string; home?: string }): Config {
  const { kind, path, retention, rollUpRetention, options } = needed(draft.store);
  const { jitter, timeZone, lateness } = needed(draft.schedule);
  const { listen, publicUrl, hosts, undeliveredAfter, chartRetention, heartbeat } = needed(draft.server);
  const bastions = draft.bastions.map(bastionOf);
  const checks = draft.checks?.map(needed) ?? DEFAULT_CHECKS;
  const channels = draft.channels?.map(needed) ?? [];
  return {
    bastions,
    clusters: draft.clusters.map((cluster) => clusterOf(cluster, bastions)),
    inventory: draft.inventory.map(needed).map(({ kind: type, options: own }) => ({ type, options: own })),
    checks,
    rules: draft.rules?.map(needed) ?? defaultRules(checks),
    channels,
    routes: draft.routes?.map(routeOf) ?? defaultRoutes(channels),
    silences: draft.silences
      .map(needed)
      .map(({ match, from, until, comment }) => ({ match, fromMs: from, untilMs: until, comment })),
    store: {
      type: kind,
      path: resolvePath(path, folders),
      retentionMs: retention,
      rollUpRetentionMs: rollUpRetention,
      options,
    },
    schedule: { jitterMs: jitter, timeZone, latenessMs: lateness },
    server: {
      host: listen.host,
      port: listen.port,
      hosts,
      undeliveredAfterMs: undeliveredAfter,
      chartRetentionMs: chartRetention,
      ...(publicUrl !== undefined && { publicUrl }),
      ...(heartbeat !== undefined && { heartbeat }),
    },
  };
}

function needed<T>(item: Item<T>): T {
  if (item.value === undefined) throw new Error('assembled although something is wrong');
  return item.value;
}

function bastionOf(item: Draft['bastions'][number]): BastionConfig {
  const { deadlines, maxOutput, ...rest } = needed(item);
  return {
    ...rest,
    deadlines: {
      bastionMs: deadlines.bastion,
      dialMs: deadlines.dial,
      handshakeMs: deadlines.handshake,
      execMs: deadlines.exec,
    },
    maxOutputBytes: maxOutput,
  };
}

/** A cluster in which nothing is wrong. */
export function clusterOf(
  item: Draft['clusters'][number],
  bastions: readonly BastionConfig[],
): ClusterConfig {
  const { defaults, ...rest } = needed(item);
  const user = defaults.user ?? bastions.find((candidate) => candidate.name === rest.bastion)?.user ?? '';
  return {
    ...rest,
    nodes: item.nodes
      .map(needed)
      .map((node) => ({ ...node, port: node.port ?? defaults.port ?? 22, user: node.user ?? user })),
  };
}

function routeOf(item: NonNullable<Draft['routes']>[number]): Route {
  const { groupWait, groupInterval, repeatInterval, ...rest } = needed(item);
  return {
    ...rest,
    groupWaitMs: groupWait,
    groupIntervalMs: groupInterval,
    repeatIntervalMs: repeatInterval,
  };
}

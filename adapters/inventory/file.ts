import type { ClusterConfig, Config } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import type { Inventory } from '../../core/ports.ts';

/** An inventory of the clusters in the configuration file. */
export function createFileInventory({ clusters }: Pick<Config, 'clusters'>): Inventory {
  const targets = targetsOf(clusters);
  return {
    async list() {
      return targets;
    },
  };
}

/** The nodes of all clusters, with the bastion of their cluster. */
export function targetsOf(clusters: readonly ClusterConfig[]): Target[] {
  return clusters.flatMap(({ name: cluster, bastion, otherBastions, nodes, labels: ofCluster }) =>
    nodes.map(({ name: node, role, host, port, user, hostKeys, labels: own }): Target => {
      const target = { cluster, node, role, host, port, user, bastion, hostKeys };
      // Nodes without labels of their own share those of the cluster.
      const labels = own ? { ...ofCluster, ...own } : ofCluster;
      return {
        ...target,
        ...(otherBastions && { otherBastions }),
        ...(labels && Object.keys(labels).length > 0 && { labels }),
      };
    }),
  );
}

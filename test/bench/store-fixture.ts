// The rounds of a fleet as samples, without nodes, for the benchmarks of the store and the evaluation.

import { METRICS, type Metric } from '../../core/catalogue.ts';
import type { Labels } from '../../core/model/labels.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Role, Target } from '../../core/model/target.ts';

export const ROUND_MS = 60_000;

export interface StoreFixture {
  targets: readonly Target[];
  /** The samples of a round, in batches of a hundred nodes, as the product writes them. */
  round(timeMs: number): Generator<Sample[]>;
  samplesInRound: number;
}

const NODES_IN_BATCH = 100;
const NODES_IN_CLUSTER = 5;

/**
 * `full`: all samples of a node with three mounts, two interfaces and two disks; otherwise only the samples of the node
 * itself, one row of the store. From `breachAtMs` on, every hundredth node breaches in all percentages and loads.
 */
export function createStoreFixture(options: {
  nodes: number;
  full: boolean;
  breachAtMs?: number;
}): StoreFixture {
  const { nodes, full, breachAtMs = Number.POSITIVE_INFINITY } = options;
  const metricsOf = (group: Metric['group']) => METRICS.filter((metric) => metric.group === group);
  const targets = Array.from({ length: nodes }, (_, n) => targetOf(n));
  const things = targets.map(({ cluster, node, role }) => {
    const labels = { cluster, node, role };
    const add = (group: Metric['group'], extra: Labels) => ({
      labels: { ...labels, ...extra },
      metrics: metricsOf(group),
    });
    if (!full) return [add('node', {})];
    return [
      add('node', {}),
      ...['/', '/var', '/var/lib/etcd'].map((mount) => add('mount', { mount, device: '/dev/vda1' })),
      ...['eth0', 'eth1'].map((device) => add('interface', { device })),
      ...['vda', 'vdb'].map((device) => add('disk', { device })),
      add('check', { check: 'usage' }),
    ];
  });
  return {
    targets,
    samplesInRound: things.reduce((sum, parts) => sum + countOf(parts), 0),
    *round(timeMs) {
      for (let first = 0; first < nodes; first += NODES_IN_BATCH) {
        const samples: Sample[] = [];
        for (let n = first; n < Math.min(first + NODES_IN_BATCH, nodes); n++) {
          const breaching = timeMs >= breachAtMs && n % 100 === 0;
          for (const { labels, metrics } of things[n] ?? []) {
            for (const metric of metrics)
              samples.push({ metric: metric.name, labels, timeMs, value: drawValue(metric, breaching) });
          }
        }
        yield samples;
      }
    },
  };
}

const countOf = (parts: readonly { metrics: readonly Metric[] }[]) =>
  parts.reduce((sum, { metrics }) => sum + metrics.length, 0);

function targetOf(n: number): Target {
  const role: Role = n % NODES_IN_CLUSTER < 3 ? 'apiserver' : 'etcd';
  return {
    cluster: `nks-${Math.floor(n / NODES_IN_CLUSTER)}`,
    node: `node-${n}`,
    role,
    host: '192.0.2.1',
    port: 22,
    user: 'probe',
    bastion: 'b',
    hostKeys: [],
  };
}

/** Values with as many digits as real ones have; those that are constant on a real node are constant here. */
function drawValue(metric: Metric, breaching: boolean): number {
  if (metric.unit === 'bool' || metric.name === 'oom_kills') return 1;
  if (metric.unit === 'bytes') return 8_340_000_768;
  if (metric.name === 'cores') return 4;
  if (metric.name.startsWith('load') || metric.name.startsWith('psi'))
    return breaching ? 95 : Math.round(Math.random() * 400) / 100;
  return breaching ? 90 + Math.random() * 10 : Math.random() * 80;
}

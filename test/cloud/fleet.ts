// A fleet of any size for the deployed pipeline: its configuration, and the answers of its nodes.

import { stringify } from 'yaml';
import { KINDS } from '../../adapters/registry.ts';
import { METRICS } from '../../core/catalogue.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Config } from '../../core/model/config.ts';
import type { BatchObservation, Observation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import { configOf } from '../config-cases.ts';

export const NODES_EACH = 3;
const NODE_METRICS = METRICS.filter(({ group }) => group === 'node');
const MOUNT_METRICS = METRICS.filter(({ group }) => group === 'mount');
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ5C7Q9mDkVvTFqQ7vU0PVbZxg8J2f1m0cXW2n6cJ5l';

/** The configuration file of a fleet: clusters of three nodes, spread over bastions. */
export function fleetText(size: { bastions: number; clusters: number }): string {
  return stringify({
    ...inventory({ ...size, nodes: size.clusters * NODES_EACH, role: 'etcd' }),
    checks: [{ name: 'usage', probe: 'usage', every: '1m' }],
    rules: [
      { name: 'memory', metric: 'mem_usage', above: 90, for: '0s', severity: 'critical' },
      { name: 'disk', metric: 'disk_usage', above: 90, for: '0s' },
      { name: 'down', metric: 'up', below: 1, for: '0s' },
      { name: 'fleet', metric: 'mem_usage', aggregate: { by: ['role'], op: 'avg' }, above: 40, for: '0s' },
    ],
    ...DESTINATIONS,
  });
}

const DESTINATIONS = {
  channels: [{ name: 'ops', type: 'webhook', url: 'https://chat.example.net/' }],
  store: { type: 'prometheus', url: 'https://samples.example.net/' },
  routes: [{ name: 'all', channels: ['ops'], groupBy: ['rule'] }],
};

/** What watches a fleet: the defaults, and the preset beside them. */
export type Watch = 'usage' | 'kubeadm';

/** The configuration file of a fleet with all default rules. */
export function watchedText({ watch, ...size }: { bastions: number; nodes: number; watch: Watch }): string {
  return stringify({
    ...inventory({ ...size, role: 'controlplane' }),
    ...(watch === 'kubeadm' && { presets: [{ preset: 'kubeadm' }] }),
    ...DESTINATIONS,
  });
}

/** Clusters of three nodes; the last may have fewer. */
function inventory({ bastions, nodes, role }: { bastions: number; nodes: number; role: string }) {
  return {
    bastions: Array.from({ length: bastions }, (_, b) => ({
      name: `b${b}`,
      host: `b${b}`,
      user: 'u',
      privateKey: '${ssm:/key}',
      hostKeys: [KEY],
      batchSize: 300,
    })),
    clusters: Array.from({ length: Math.ceil(nodes / NODES_EACH) }, (_, c) => ({
      name: `c${c}`,
      bastion: `b${c % bastions}`,
      nodes: Array.from({ length: Math.min(NODES_EACH, nodes - c * NODES_EACH) }, (__, n) => ({
        name: `n${n}`,
        role,
        host: `10.${c >> 8}.${c & 255}.${n}`,
        hostKeys: [KEY],
      })),
    })),
  };
}

export function fleetConfig(size: { bastions: number; clusters: number }): Config {
  return configOf(fleetText(size), { kinds: KINDS });
}

export function bastionNames(count: number): string[] {
  return Array.from({ length: count }, (_, b) => `b${b}`);
}

/** One cluster in a hundred breaches from the first round on. */
export function observeFleet(batch: Batch): BatchObservation {
  const observations = batch.targets.map((target): Observation => {
    const { cluster, node, role } = target;
    const labels = { cluster, node, role };
    const at = (metric: string, value: number, more = {}): Sample => ({
      metric,
      labels: { ...labels, ...more },
      timeMs: batch.roundMs,
      value,
    });
    const memory = Number(cluster.slice(1)) % 100 === 0 ? 95 : 40;
    const samples = NODE_METRICS.filter(({ name }) => name !== 'up').map(({ name }) =>
      at(name, name === 'mem_usage' ? memory : Math.random() * 50),
    );
    for (const mount of ['/', '/var', '/var/lib/etcd']) {
      for (const { name } of MOUNT_METRICS)
        samples.push(at(name, Math.random() * 50, { mount, device: '/dev/vda1' }));
    }
    return {
      check: 'usage',
      target,
      roundMs: batch.roundMs,
      observedAtMs: batch.roundMs,
      durationMs: 40,
      result: { ok: true, samples, notes: [] },
    };
  });
  return { batch, bastion: { ok: true }, observations };
}

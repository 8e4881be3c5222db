import { etcdCheckName, explainEtcdHealth, parseEtcdHealth } from '../../../core/parse/etcd-health.ts';
import type { EtcdMetrics } from '../../../core/parse/etcd-metrics.ts';
import { ProbeError } from '../../ssh/failure.ts';
import type { HttpRequest } from '../http-client.ts';
import type { Endpoint, Finding, NodeHandle } from '../probe.ts';
import { reading, serviceFailure, silenceOf } from '../service-probe.ts';

const MAX_HEALTH_BYTES = 16 * 1024;
/** With less time left of the check, silence says nothing. */
const LEAST_HEALTH_MS = 1_000;

/** It reads through the cluster, so it may take seconds where a leader is missing or a disk is stuck. */
export async function readHealth(
  node: NodeHandle,
  endpoint: Endpoint,
  https: Pick<HttpRequest, 'tls' | 'headers'>,
  { hasLeader }: EtcdMetrics,
): Promise<Pick<Finding, 'readings' | 'notes' | 'silence'> & { failing: string[] }> {
  const request = { path: '/health', maxBytes: MAX_HEALTH_BYTES, ...https };
  const hasTime = node.deadlines.execMs >= LEAST_HEALTH_MS;
  const answer = await node.request(endpoint, request).catch(serviceFailure);
  if (answer instanceof ProbeError) {
    const isSilent = answer.failure.reason === 'timeout' && hasTime;
    return {
      readings: isSilent ? [reading('etcd_healthy', 0)] : [],
      failing: isSilent ? ['health'] : [],
      notes: [`${isSilent ? 'unhealthy' : 'its health is unknown'}: /health: ${answer.message}`],
      ...silenceOf(answer),
    };
  }
  const health = parseEtcdHealth(answer.body);
  if (health === undefined) {
    return {
      readings: [],
      failing: [],
      notes: [`its health is unknown: /health answers HTTP ${answer.status}`],
    };
  }
  return {
    readings: [reading('etcd_healthy', health.isHealthy ? 1 : 0)],
    failing: health.isHealthy ? [] : [etcdCheckName(health, hasLeader)],
    notes: health.isHealthy ? [] : [explainEtcdHealth(health, hasLeader)],
  };
}

import { z } from 'zod';
import { metricsOfProbe } from '../../../core/catalogue.ts';
import type { FailureReason } from '../../../core/model/observation.ts';
import type { AdapterDescriptor } from '../../../core/registry.ts';
import { ProbeError } from '../../ssh/failure.ts';
import type { Finding, NodeHandle, Probe } from '../probe.ts';
import { reading, silenceOf } from '../service-probe.ts';

/** What says something about the server; anything else kept us from asking it, or from knowing which key is the right one. */
const FINDINGS: ReadonlySet<FailureReason> = new Set([
  'unreachable',
  'timeout',
  'protocol',
  'output',
  'host-key',
]);

/** Exchanges keys with a node's SSH server, without a login: is it there, and is it the one whose key is pinned? */
export const hostkey: AdapterDescriptor & Probe = {
  type: 'hostkey',
  title: 'The host key that the SSH server of a node shows, without a login',
  options: z.strictObject({}),
  // fail2ban counts each in its modes `ddos` and `aggressive`, and bans after five in ten minutes (docs/ssh.md).
  every: '15m',
  metrics: metricsOfProbe('hostkey'),
  catalogue: [],
  scriptsFor: () => [],
  // The line of the bastion permits the SSH port of each node anyway.
  endpointsFor: () => [],
  logsIn: () => false,
  observe: (node, { name }) => observe(node, name),
};

async function observe(node: NodeHandle, check: string): Promise<Finding> {
  const labels = { check };
  const shown = await node.exchangeKeys().catch(aboutTheServer);
  if (shown instanceof ProbeError) {
    const isOther = shown.failure.reason === 'host-key';
    return {
      readings: [
        reading('hostkey_up', isOther ? 1 : 0, labels),
        ...(isOther ? [reading('hostkey_ok', 0, labels)] : []),
      ],
      notes: [shown.message],
      isPartial: !isOther,
      ...silenceOf(shown),
    };
  }
  const { type, fingerprint, tookMs } = shown;
  return {
    readings: [
      reading('hostkey_up', 1, labels),
      reading('hostkey_ok', 1, labels),
      reading('hostkey_duration', tookMs / 1000, labels),
    ],
    notes: [`${type} ${fingerprint}`],
  };
}

/** @throws what says nothing about the server: then the check could not be made */
function aboutTheServer(cause: unknown): ProbeError {
  if (cause instanceof ProbeError && FINDINGS.has(cause.failure.reason)) return cause;
  throw cause;
}

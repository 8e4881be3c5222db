import { ETCD_SERIES, parseEtcdMetrics } from '../../../core/parse/etcd-metrics.ts';
import { trackHealthChecks } from '../../../core/parse/health-checks.ts';
import type { AdapterDescriptor } from '../../../core/registry.ts';
import { ProbeError } from '../../ssh/failure.ts';
import { requestExposition } from '../exposition-request.ts';
import { httpsRequest } from '../https-options.ts';
import type { CheckOptions, Endpoint, Finding, NodeHandle, Probe } from '../probe.ts';
import { isRefusal, probeOfService, reading, serviceFailure, silenceOf } from '../service-probe.ts';
import { backupScript, observeBackups } from './backups.ts';
import { type Kept, readKept } from './kept.ts';
import { readLatency } from './latency.ts';
import { readHealth } from './member-health.ts';
import { type EtcdOptions, optionsSchema } from './options.ts';

/** A real one shows 150 to 200 KB. */
const MAX_METRICS_BYTES = 2 * 1024 * 1024;
/** As for checks of the API server. */
const RECOVERED_MS = 3_600_000;

const endpointOf = ({ via, port, optional }: EtcdOptions): Endpoint => ({ via, port, optional });

const service = probeOfService<EtcdOptions>({
  type: 'etcd',
  title: 'etcd: health with its reason, leader, latency of disks, database and quota, members, version',
  options: optionsSchema,
  endpoints: (options) => [endpointOf(options)],
  observe,
});

const backupsOf = (options: CheckOptions) => (options as EtcdOptions).backups;

/**
 * Reads health and metrics of an etcd member where it shows them without a secret, or over HTTPS with a client certificate;
 * and how old backups on its node are, where the configuration says where they are.
 */
export const etcd: AdapterDescriptor & Probe = {
  ...service,
  scriptsFor: (options) => (backupsOf(options).length > 0 ? [backupScript(backupsOf(options))] : []),
  logsIn: (options) => service.logsIn(options) || backupsOf(options).length > 0,
};

async function observe(
  node: NodeHandle,
  { options, everyMs }: { options: EtcdOptions; everyMs: number },
  before: unknown,
): Promise<Finding> {
  const kept = readKept(before);
  const member = await observeMember(node, { options, everyMs }, kept);
  if (options.backups.length === 0) return member;
  const { times, readings, notes, ...rest } = await observeBackups(node, options.backups, kept.backups ?? {});
  return {
    ...member,
    ...rest,
    readings: [...member.readings, ...readings],
    notes: [...member.notes, ...notes],
    isPartial: Boolean(member.isPartial || rest.isPartial),
    kept: { ...(member.kept ?? kept), backups: times } satisfies Kept,
  };
}

async function observeMember(
  node: NodeHandle,
  { options, everyMs }: { options: EtcdOptions; everyMs: number },
  kept: Kept,
): Promise<Finding & { kept?: Kept }> {
  const https = httpsRequest(node, options);
  const shown = await requestExposition(
    node,
    endpointOf(options),
    { path: '/metrics', maxBytes: MAX_METRICS_BYTES, ...https },
    ETCD_SERIES,
  ).catch(serviceFailure);
  if (shown instanceof ProbeError) return withoutMetrics(shown, options, kept);

  const { exposition, answer } = shown;
  if (exposition === undefined) {
    const notes = [statusNote(answer.status, options)];
    return isHidden(answer.status)
      ? { readings: [reading('etcd_up', 1)], notes, isPartial: true, kept: { ...kept, seen: true } }
      : { readings: [reading('etcd_up', 0)], notes, isPartial: true };
  }
  const metrics = parseEtcdMetrics(exposition.samples);
  if (metrics === undefined) {
    const note = `what answers on port ${options.port} shows no metrics of etcd (${exposition.lines} others)`;
    return { readings: [reading('etcd_up', 0)], notes: [...shown.notes, note], isPartial: true };
  }
  const latency = readLatency(metrics, kept, { atMs: node.roundMs, everyMs });
  const health = await readHealth(node, endpointOf(options), https, metrics);
  const checks = trackHealthChecks(health.failing, kept.lastFailures ?? {}, {
    nowMs: node.roundMs,
    recoveredForMs: Math.max(RECOVERED_MS, 2 * everyMs),
  });
  const chainError = answer.tls?.chainError;
  return {
    readings: [
      reading('etcd_up', 1),
      ...metrics.readings,
      ...latency.readings,
      ...health.readings,
      ...checks.states.map(({ name, value }) => reading('etcd_check', value, { name })),
    ],
    notes: [
      ...health.notes,
      ...shown.notes,
      ...metrics.notes,
      ...(chainError === undefined ? [] : [`its certificate does not lead to \`ca\` (${chainError})`]),
    ],
    isPartial: health.readings.length === 0,
    kept: { ...latency.kept, lastFailures: checks.lastFailures },
    ...(health.silence && { silence: health.silence }),
  };
}

function withoutMetrics(
  error: ProbeError,
  { optional, port }: EtcdOptions,
  kept: Kept,
): Finding & { kept?: Kept } {
  if (isRefusal(error)) {
    const notes = [`it answers, and more is unknown: ${error.message}`];
    return { readings: [reading('etcd_up', 1)], notes, isPartial: true, kept: { ...kept, seen: true } };
  }
  if (optional && !kept.seen && error.failure.reason === 'unreachable') {
    const note = `no etcd here: nobody listens on port ${port}, and none was seen before (k3s with SQLite has none)`;
    return { readings: [], notes: [note] };
  }
  return { readings: [reading('etcd_up', 0)], notes: [error.message], isPartial: true, ...silenceOf(error) };
}

function isHidden(status: number): boolean {
  return status === 401 || status === 403;
}

function statusNote(status: number, { tls, port }: EtcdOptions): string {
  if (isHidden(status))
    return `it answers, and shows its metrics to nobody without a credential (HTTP ${status})`;
  // Go's servers answer plain requests to a TLS port so.
  const remedy = status === 400 && !tls ? '; if it speaks HTTPS, write `tls: true`' : '';
  return `what answers on port ${port} shows no metrics (HTTP ${status})${remedy}`;
}

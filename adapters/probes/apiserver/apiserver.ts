import {
  type HealthChecks,
  parseHealthChecks,
  trackHealthChecks,
} from '../../../core/parse/health-checks.ts';
import type { Reading } from '../../../core/parse/reading.ts';
import { ProbeError, quote } from '../../ssh/failure.ts';
import type { HttpAnswer } from '../http-client.ts';
import { httpsRequest } from '../https-options.ts';
import type { Finding, NodeHandle } from '../probe.ts';
import { probeOfService, reading, serviceFailure } from '../service-probe.ts';
import { type Ask, healthOf, hiddenNote, oddNote } from './health.ts';
import { readKept } from './kept.ts';
import { observeLiveness } from './liveness.ts';
import { type ApiserverOptions, optionsSchema } from './options.ts';
import { observeUnanswered } from './unanswered.ts';
import { observeVersion } from './version.ts';

/** The answer of a real one to `/readyz?verbose` has 2 KB. */
const MAX_BYTES = 64 * 1024;
/** How long a check that recovered has a series; at least twice its interval, as series are current for so long. */
const RECOVERED_MS = 3_600_000;
const MOST_NAMES = 8;
/**
 * The time that a question which may hang leaves for the next one; half of what is left where that is less. Without etcd a real
 * one takes four seconds for /readyz, two for /livez, and no time for the question after them.
 */
const LEFT_MS = 1_500;
const NONE: HealthChecks = { failing: [], leftOut: 0 };

/** Asks a kube-apiserver whether it is ready and alive, and which version it is. Anonymously, unless it has a credential. */
export const apiserver = probeOfService<ApiserverOptions>({
  type: 'apiserver',
  title: 'API server: readiness by named check, liveness, version, latency',
  options: optionsSchema,
  endpoints: ({ via, port }) => [{ via, port }],
  observe,
});

function askerOf(node: NodeHandle, options: ApiserverOptions): Ask {
  const { via, port } = options;
  const https = httpsRequest(node, { ...options, tls: true });
  return async (path, { leavesTime } = { leavesTime: false }) => {
    const deadlineMs = () => (leavesTime ? shortDeadline(node) : node.deadlines.execMs);
    const request = { path, maxBytes: MAX_BYTES, ...https, deadlineMs };
    const answer = await node.request({ via, port }, request).catch(serviceFailure);
    if (answer instanceof ProbeError) return answer;
    const body = node.redact(answer.body);
    return { ...answer, body, quoted: options.token === undefined ? quote(body) : '' };
  };
}

function shortDeadline({ deadlines: { execMs, leftMs } }: NodeHandle): number {
  return Math.min(execMs, Math.max(Math.floor(leftMs / 2), leftMs - LEFT_MS));
}

async function observe(
  node: NodeHandle,
  { options, everyMs }: { options: ApiserverOptions; everyMs: number },
  before: unknown,
): Promise<Finding> {
  const kept = readKept(before);
  const ask = askerOf(node, options);
  const hasCredential = (options.token ?? options.clientCertificate) !== undefined;
  const readyz = await ask('/readyz?verbose', { leavesTime: true });
  if (readyz instanceof ProbeError)
    return observeUnanswered(ask, readyz, { kept, hasCredential, leftMs: node.deadlines.execMs });
  const health = healthOf(readyz);
  const isShown = health === 'ok' || health === 'failing';
  const checks = health === 'failing' ? parseHealthChecks(readyz.body) : NONE;
  const times = { nowMs: node.roundMs, recoveredForMs: Math.max(RECOVERED_MS, 2 * everyMs) };
  const { states, lastFailures } = isShown
    ? trackHealthChecks(checks.failing, kept.lastFailures, times)
    : { states: [], lastFailures: kept.lastFailures };
  const live = await observeLiveness(ask, health);
  const version = await observeVersion(ask, node.roundMs, kept);
  const hidden = [
    ...(health === 'hidden' ? [{ path: '/readyz', status: readyz.status }] : []),
    ...live.hidden,
    ...version.hidden,
  ];
  return {
    readings: [
      reading('apiserver_up', 1),
      ...(health === 'odd' ? [] : [reading('apiserver_detail', isShown ? 1 : 0)]),
      ...(isShown ? [reading('apiserver_ready', health === 'ok' ? 1 : 0)] : []),
      ...states.map(({ name, value }) => reading('apiserver_check', value, { name })),
      ...live.readings,
      ...version.readings,
      ...latencies(readyz),
    ],
    notes: [
      ...(health === 'failing' ? [failingNote(readyz, checks)] : []),
      ...(health === 'odd' ? [oddNote('/readyz', readyz)] : []),
      ...live.notes,
      ...version.notes,
      ...hiddenNote(hidden, hasCredential),
      ...(readyz.tls?.chainError === undefined
        ? []
        : [`its certificate does not lead to \`ca\` (${readyz.tls.chainError})`]),
    ],
    isPartial: hidden.length > 0 || health === 'odd' || live.isPartial,
    kept: { ...version.kept, lastFailures },
  };
}

function failingNote({ status }: HttpAnswer, { failing, leftOut }: HealthChecks): string {
  if (failing.length + leftOut === 0) return `not ready: /readyz answers ${status} and names no check`;
  const more = failing.length + leftOut - MOST_NAMES;
  return `not ready: ${failing.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function latencies({ phases: { dialMs, tlsMs, responseMs } }: HttpAnswer): Reading[] {
  const phases = { dial: dialMs, tls: tlsMs, response: responseMs };
  return Object.entries(phases).flatMap(([phase, ms]) =>
    ms === undefined ? [] : [reading('apiserver_phase_duration', ms / 1000, { phase })],
  );
}

import { z } from 'zod';
import { parseHealthChecks } from '../../core/parse/health-checks.ts';
import { namesText } from '../../core/parse/reading.ts';
import type { AdapterDescriptor } from '../../core/registry.ts';
import { ProbeError, quote } from '../ssh/failure.ts';
import type { HttpAnswer } from './http-client.ts';
import type { Finding, NodeHandle, Probe } from './probe.ts';
import {
  isRefusal,
  portField,
  probeOfService,
  reading,
  serviceFailure,
  silenceOf,
  viaField,
} from './service-probe.ts';

/** A part of the control plane that says on one path whether it is well, mostly on its node's loopback only. */
export interface Component {
  type: string;
  title: string;
  /** 1 while the path answers 200, 0 while it answers an error or nothing. */
  metric: string;
  port: number;
  path: string;
  /** It serves a certificate that it mostly made itself, so nobody checks it. */
  tls: boolean;
  /** What the path does not show, and what would. */
  notWatched?: string;
}

/** Most bytes of an answer; a failing one names what fails. */
const MAX_BYTES = 16 * 1024;
const CREDENTIAL =
  'an `http` check with the `token` of a user bound to the ClusterRole `system:monitoring` shows it';

export function probeOfComponent(component: Component): AdapterDescriptor & Probe {
  const { type, title, port } = component;
  return probeOfService({
    type,
    title,
    options: z.strictObject({ via: viaField('node'), port: portField(port) }),
    endpoints: ({ via, port: chosen }) => [{ via, port: chosen }],
    observe: (node, { options }) => observe(component, node, options),
  });
}

async function observe(
  { metric, path, tls, notWatched }: Component,
  node: NodeHandle,
  endpoint: Parameters<NodeHandle['request']>[0],
): Promise<Finding> {
  const request = { path, maxBytes: MAX_BYTES, ...(tls && { tls: {} }) };
  const answer = await node.request(endpoint, request).catch(serviceFailure);
  const limits = notWatched === undefined ? [] : [notWatched];
  if (answer instanceof ProbeError) {
    if (isRefusal(answer)) return unknown(`not watched: ${answer.message}`);
    return { readings: [reading(metric, 0)], notes: [answer.message, ...limits], ...silenceOf(answer) };
  }
  const { status } = answer;
  if (status === 200) return { readings: [reading(metric, 1)], notes: limits };
  if (status >= 500) return { readings: [reading(metric, 0)], notes: [failingNote(path, answer), ...limits] };
  if (status === 401 || status === 403)
    return unknown(`not watched: ${path} answers ${status}; ${CREDENTIAL}`);
  return unknown(`unknown: ${path} answers ${status}: is another service on this port?`);
}

function unknown(note: string): Finding {
  return { readings: [], notes: [note], isPartial: true };
}

function failingNote(path: string, { status, body }: HttpAnswer): string {
  const checks = parseHealthChecks(body).failing;
  const reason = checks.length > 0 ? namesText(checks) : quote(body);
  return `${path} answers ${status}${reason === '' ? '' : `: ${reason}`}`;
}

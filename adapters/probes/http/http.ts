import { ProbeError } from '../../ssh/failure.ts';
import { readJsonValues } from '../answer-values.ts';
import type { HttpAnswer, HttpRequest } from '../http-client.ts';
import { httpsRequest } from '../https-options.ts';
import type { Finding, NodeHandle } from '../probe.ts';
import { probeOfService, reading, serviceFailure, silenceOf } from '../service-probe.ts';
import { unexpected } from './expectations.ts';
import { type HttpProbeOptions, optionsSchema } from './options.ts';

const MAX_BYTES = 256 * 1024;

/** Sends one request, and says whether the answer is what the check expects. */
export const http = probeOfService<HttpProbeOptions>({
  type: 'http',
  title: 'HTTP: status, body, numbers in JSON, and how long it takes',
  options: optionsSchema,
  endpoints: ({ via, port }) => [{ via, port }],
  observe,
});

function requestOf(node: NodeHandle, options: HttpProbeOptions): HttpRequest {
  const { method, path, body, ca, servername, port } = options;
  const { tls, headers } = httpsRequest(node, options);
  return {
    method,
    path,
    maxBytes: MAX_BYTES,
    headers: {
      // Servers of many names choose by it.
      ...(servername !== undefined && { host: port === 443 ? servername : `${servername}:${port}` }),
      ...headers,
      ...options.headers,
    },
    ...(body !== undefined && { body }),
    ...(tls && { tls: { ...tls, mustVerify: ca !== undefined } }),
  };
}

async function observe(
  node: NodeHandle,
  { name, options }: { name: string; options: HttpProbeOptions },
): Promise<Finding> {
  const { via, port, values } = options;
  const labels = { check: name };
  const answer = await node.request({ via, port }, requestOf(node, options)).catch(serviceFailure);
  if (answer instanceof ProbeError) {
    const readings = [reading('http_up', 0, labels)];
    return { readings, notes: [answer.message], isPartial: true, ...silenceOf(answer) };
  }
  const wrong = unexpected(answer, options);
  const found = readJsonValues(answer.body, { what: 'the answer', isCut: answer.isCut, values, labels });
  return {
    readings: [
      reading('http_up', wrong.length === 0 ? 1 : 0, labels),
      reading('http_status', answer.status, labels),
      reading('http_duration', durationMs(answer) / 1000, labels),
      ...found.readings,
    ],
    notes: [...wrong, ...found.notes, phasesNote(answer)],
    isPartial: found.notes.length > 0,
  };
}

function durationMs({ phases: { dialMs = 0, tlsMs = 0, responseMs } }: HttpAnswer): number {
  return dialMs + tlsMs + responseMs;
}

function phasesNote({ phases: { dialMs, tlsMs, responseMs } }: HttpAnswer): string {
  const phases = [
    ['connection', dialMs],
    ['TLS', tlsMs],
    ['answer', responseMs],
  ] as const;
  const texts = phases.flatMap(([phase, ms]) => (ms === undefined ? [] : [`${phase} ${ms.toFixed(1)} ms`]));
  return `${texts.join(', ')}${dialMs === undefined ? ' (the connection was open)' : ''}`;
}

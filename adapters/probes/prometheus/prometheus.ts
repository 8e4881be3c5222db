import { readSelected } from '../../../core/parse/selected-series.ts';
import { doInTurns } from '../../event-loop/turns.ts';
import { type ProbeError, probeError } from '../../ssh/failure.ts';
import { requestExposition } from '../exposition-request.ts';
import { httpsRequest } from '../https-options.ts';
import type { Endpoint, Finding, NodeHandle } from '../probe.ts';
import { probeOfService } from '../service-probe.ts';
import { optionsSchema, type PrometheusOptions } from './options.ts';

/** The API server of a large cluster shows some megabytes. */
const MAX_BYTES = 8 * 1024 * 1024;

const endpointOf = ({ via, port }: PrometheusOptions): Endpoint => ({ via, port });

/** Takes chosen series from a service that shows metrics as Prometheus reads them. Without them the check fails. */
export const prometheus = probeOfService<PrometheusOptions>({
  type: 'prometheus',
  title: 'Chosen series of any service with metrics for Prometheus',
  options: optionsSchema,
  endpoints: (options) => [endpointOf(options)],
  observe,
});

async function observe(
  node: NodeHandle,
  { name, options }: { name: string; options: PrometheusOptions },
): Promise<Finding> {
  const { path, series } = options;
  const request = { path, maxBytes: MAX_BYTES, ...httpsRequest(node, options) };
  const wanted = new Set(series.map(({ metric }) => metric));
  const shown = await requestExposition(node, endpointOf(options), request, wanted);
  const { answer, exposition } = shown;
  if (exposition === undefined) throw noMetrics(answer.status, options);
  if (exposition.lines === 0)
    throw probeError('output', 'request', `what answers on port ${options.port} shows no metrics on ${path}`);
  const { readings, notes } = await doInTurns(readSelected(series, exposition.samples));
  const chainError = answer.tls?.chainError;
  return {
    readings: readings.map((one) => ({ ...one, labels: { ...one.labels, check: name } })),
    isPartial: notes.length > 0 || answer.isCut,
    notes: [
      ...notes,
      ...shown.notes,
      ...(chainError === undefined ? [] : [`its certificate does not lead to \`ca\` (${chainError})`]),
    ],
  };
}

function noMetrics(status: number, { path, tls, port }: PrometheusOptions): ProbeError {
  const isHidden = status === 401 || status === 403;
  // Go's servers answer plain requests to a TLS port with 400.
  const remedy = isHidden
    ? '; they need another credential'
    : status === 400 && !tls
      ? '; if it speaks HTTPS, write `tls: true`'
      : '';
  const detail = `no metrics on port ${port}, ${path}: HTTP ${status}${remedy}`;
  return probeError(isHidden ? 'auth' : 'output', 'request', detail);
}

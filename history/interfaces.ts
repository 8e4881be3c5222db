// The interfaces of the history service, their paths, and how each says that it refuses.

export type HistoryInterface = 'prometheus' | 'alertmanager' | 'bartizan';

const PATHS: Readonly<Record<HistoryInterface, RegExp>> = {
  prometheus: /^\/(?:api\/v1\/|federate$)/,
  alertmanager: /^\/api\/v2\//,
  bartizan: /^\/(?:v1\/|openapi\.json$|docs(?:\/|$)|login(?:\/|$)|logout$)/,
};

/** The interface of a path, without a query; undefined where the history service has none. */
export function interfaceOf(path: string): HistoryInterface | undefined {
  return (Object.keys(PATHS) as HistoryInterface[]).find((name) => PATHS[name].test(path));
}

export interface Refusal {
  status: 400 | 401 | 403 | 404 | 405 | 413 | 415 | 421 | 422 | 429 | 500 | 503;
  /** What is wrong, for programs: lower case, with dashes. */
  code: string;
  /** What is wrong, and what to do, for people. */
  message: string;
  retryAfterS?: number;
}

/** What Prometheus calls errors: https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
const PROMETHEUS_TYPES: Readonly<Partial<Record<Refusal['status'], string>>> = {
  404: 'not_found',
  422: 'execution',
  429: 'unavailable',
  500: 'internal',
  503: 'unavailable',
};

/** The answer in the form of the interface, which its clients can show. */
export function refuse(of: HistoryInterface | undefined, refusal: Refusal): Response {
  const { status, retryAfterS } = refusal;
  const { type, text } = refusalBody(of, refusal);
  const headers = new Headers({ 'content-type': type });
  if (retryAfterS !== undefined) headers.set('retry-after', String(retryAfterS));
  return new Response(text, { status, headers });
}

export function refusalBody(
  of: HistoryInterface | undefined,
  { status, code, message }: Refusal,
): { type: string; text: string } {
  const json = (value: unknown) => ({ type: 'application/json', text: JSON.stringify(value) });
  switch (of) {
    case 'prometheus': {
      const errorType = code === 'timeout' ? code : (PROMETHEUS_TYPES[status] ?? 'bad_data');
      return json({ status: 'error', errorType, error: message });
    }
    case 'alertmanager':
      return json(message);
    case 'bartizan':
      return json({ error: { code, message } });
    case undefined:
      return { type: 'text/plain; charset=utf-8', text: `${message}\n` };
  }
}

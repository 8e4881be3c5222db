import manifest from '../../package.json' with { type: 'json' };
import type { Api } from './api.ts';

export type OpenApiDocument = ReturnType<Api['getOpenAPI31Document']>;

const INTRODUCTION = `What was stored, and why messages were sent or not. Times and durations are integers in milliseconds; times are Unix
time. A list that may be long comes in pages: \`next\` of an answer is the \`cursor\` of the next request. An error is
\`{"error": {"code", "message", "hint"}}\`. Fields may be added to answers; clients pass over those that they do not know.
The same address serves Prometheus' interface under \`/api/v1\` and Alertmanager's under \`/api/v2\`.`;

/** The OpenAPI document of all routes that were added so far. */
export function describeApi(api: Api): OpenApiDocument {
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of `bartizan token add`.',
  });
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Bartizan history', version: manifest.version, description: INTRODUCTION },
    security: [{ token: [] }],
    tags: [
      'Inventory',
      'Samples',
      'Alerts',
      'Messages',
      'Silences',
      'Backtests',
      'Audit',
      'Configuration',
    ].map((name) => ({ name })),
  });
}

import type { StoreAdapter } from '../store-adapter.ts';
import { createPrometheusApi } from './api.ts';
import { optionsSchema, type PrometheusOptions } from './options.ts';
import { createPrometheusStore } from './store.ts';

/** A server that takes remote write and answers PromQL: Amazon Managed Prometheus, Mimir, VictoriaMetrics, Prometheus. */
export const prometheus: StoreAdapter<PrometheusOptions> = {
  type: 'prometheus',
  title: 'Prometheus-compatible server: remote write and PromQL',
  options: optionsSchema,
  repeats: true,
  timeoutMs: ({ timeout }) => timeout,
  open: async ({ options, secrets, clock }) =>
    createPrometheusStore(createPrometheusApi(options, { secrets, clock }), clock),
};

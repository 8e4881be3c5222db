// `/api/v1/metadata` and `/api/v1/status/buildinfo`.

import { findMetric } from '../../core/catalogue.ts';
import { typeOf } from './federation.ts';
import { limitOf } from './parameters.ts';
import { SERIES } from './series-source.ts';

/** Clients choose their requests by it: the release of Prometheus whose language and interface this is. */
export const BUILD = {
  version: '3.0.0',
  revision: 'bartizan',
  branch: '',
  buildUser: '',
  buildDate: '',
  goVersion: '',
};

/** Type, help and unit of each series of the catalogue, or of `metric` alone. */
export function metadataOf(parameters: URLSearchParams): Record<string, readonly unknown[]> {
  const wanted = parameters.get('metric') ?? '';
  const entries = [...SERIES].flatMap(([series, name]) => {
    const metric = findMetric(name);
    if (!metric || (wanted !== '' && series !== wanted)) return [];
    return [[series, [{ type: typeOf(series), help: metric.help, unit: metric.unit }]] as const];
  });
  return Object.fromEntries(entries.slice(0, limitOf(parameters)));
}

import { labelKey } from '../../../core/labels.ts';
import type { Labels } from '../../../core/model/labels.ts';
import type { Sample } from '../../../core/model/sample.ts';

/** One series of a request, its samples ascending. */
export interface WrittenSeries {
  /** Name and value, `__name__` first, sorted. */
  labels: readonly { name: string; value: string }[];
  samples: { value: number; timestamp: number }[];
  /** The samples it was made of. */
  source: Sample[];
}

/** The message `prometheus.WriteRequest`: https://prometheus.io/docs/specs/prw/remote_write_spec/ */
export const SCHEMA = {
  nested: {
    WriteRequest: { fields: { timeseries: { rule: 'repeated', type: 'TimeSeries', id: 1 } } },
    TimeSeries: {
      fields: {
        labels: { rule: 'repeated', type: 'Label', id: 1 },
        samples: { rule: 'repeated', type: 'Sample', id: 2 },
      },
    },
    Label: { fields: { name: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    Sample: { fields: { value: { type: 'double', id: 1 }, timestamp: { type: 'int64', id: 2 } } },
  },
};

/** Encodes requests of remote write 1.0: protobuf in snappy's block format. */
export async function createEncoder(): Promise<(series: readonly WrittenSeries[]) => Uint8Array> {
  const [protobuf, snappy] = await Promise.all([import('protobufjs/light.js'), import('snappyjs')]);
  const type = protobuf.default.Root.fromJSON(SCHEMA).lookupType('WriteRequest');
  return (timeseries) => snappy.default.compress(type.encode({ timeseries }).finish());
}

/** Gathers samples into series. `nameOf` is never undefined for them. */
export function toSeries(samples: readonly Sample[], nameOf: (metric: string) => string): WrittenSeries[] {
  const bySet = new Map<Labels, Map<string, WrittenSeries>>();
  const byKey = new Map<string, Map<string, WrittenSeries>>();
  for (const sample of samples) {
    // Samples of a thing share one labels object. Others of equal labels are joined here: what follows a newer sample of
    // its series within one request Prometheus drops without a word.
    let byName = bySet.get(sample.labels);
    if (!byName) {
      const key = labelKey(sample.labels);
      byName = byKey.get(key) ?? new Map<string, WrittenSeries>();
      byKey.set(key, byName);
      bySet.set(sample.labels, byName);
    }
    let series = byName.get(sample.metric);
    if (!series) {
      series = { labels: labelsOf(nameOf(sample.metric), sample.labels), samples: [], source: [] };
      byName.set(sample.metric, series);
    }
    series.samples.push({ value: sample.value, timestamp: sample.timeMs });
    series.source.push(sample);
  }
  const all = [...byKey.values()].flatMap((byName) => [...byName.values()]);
  for (const series of all) {
    series.samples.sort((a, b) => a.timestamp - b.timestamp);
    series.source.sort((a, b) => a.timeMs - b.timeMs);
  }
  return all;
}

function labelsOf(name: string, labels: Labels): { name: string; value: string }[] {
  const rest = Object.entries(labels).map(([label, value]) => ({ name: label, value }));
  return [{ name: '__name__', value: name }, ...rest.sort((a, b) => (a.name < b.name ? -1 : 1))];
}

// A Prometheus in memory and in virtual time that accepts and refuses what the real one does; a property compares them.
import protobuf from 'protobufjs/light.js';
import snappy from 'snappyjs';
import type { Refusal } from '../adapters/stores/prometheus/refusals.ts';
import { refusalIn } from '../adapters/stores/prometheus/refusals.ts';
import { SCHEMA } from '../adapters/stores/prometheus/remote-write.ts';
import type { PrometheusApi } from '../adapters/stores/prometheus/store.ts';

/**
 * Half of a head block of two hours: https://github.com/prometheus/prometheus/blob/v2.42.0/tsdb/head_append.go
 * (appendableMinValidTime).
 */
const HEAD_BOUND_MS = 3_600_000;

interface Stored {
  labels: Record<string, string>;
  points: Map<number, number>;
  /** The newest sample that was appended in order. */
  newestMs: number;
}

interface Written {
  labels: { name: string; value: string }[];
  samples: { value: number; timestamp: number }[];
}

export interface StrictPrometheus extends PrometheusApi {
  /** The requests that were refused, by the text of the refusal. */
  refusals: Map<string, number>;
  /** The samples that it has. */
  size(): number;
}

/**
 * A sample is appended when it is newer than its series and not an hour behind the newest of the whole head; with a
 * window also when it is not further behind that than the window. A request is accepted or refused as a whole, by the
 * state before it; then samples that are older than their series are dropped without an error.
 */
export function createStrictPrometheus(windowMs: number): StrictPrometheus {
  const type = protobuf.Root.fromJSON(SCHEMA).lookupType('WriteRequest');
  const series = new Map<string, Stored>();
  const refusals = new Map<string, number>();
  let headMs: number | undefined;

  function verdict(one: Stored, timeMs: number, value: number, newestMs: number): 'next' | 'late' | string {
    if (windowMs === 0 && timeMs < newestMs - HEAD_BOUND_MS) return 'out of bounds';
    if (timeMs >= newestMs - HEAD_BOUND_MS) {
      if (timeMs > one.newestMs) return 'next';
      if (timeMs === one.newestMs)
        return one.points.get(timeMs) === value ? 'same' : 'duplicate sample for timestamp';
    }
    if (windowMs === 0) return 'out of order sample';
    return timeMs >= newestMs - windowMs ? 'late' : 'too old sample';
  }

  function find({ labels }: Written): Stored {
    const key = JSON.stringify(labels.map(({ name, value }) => [name, value]));
    const one = series.get(key) ?? {
      labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
      points: new Map(),
      newestMs: Number.NEGATIVE_INFINITY,
    };
    series.set(key, one);
    return one;
  }

  return {
    refusals,
    size: () => [...series.values()].reduce((sum, { points }) => sum + points.size, 0),
    async write(body): Promise<Refusal | undefined> {
      const { timeseries } = type.toObject(type.decode(snappy.uncompress(body)), {
        longs: Number,
        defaults: true,
      }) as {
        timeseries: Written[];
      };
      const all = timeseries.flatMap((one) => one.samples.map((sample) => ({ one: find(one), ...sample })));
      headMs ??= all[0]?.timestamp;
      const newestMs = headMs ?? 0;
      for (const { one, timestamp, value } of all) {
        const refusal = verdict(one, timestamp, value, newestMs);
        const cause = refusalIn(refusal);
        if (cause === undefined) continue;
        refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
        return { cause, reason: refusal };
      }
      for (const { one, timestamp, value } of all) {
        const how = verdict(one, timestamp, value, newestMs);
        if (how === 'next') {
          one.newestMs = timestamp;
          headMs = Math.max(headMs ?? timestamp, timestamp);
        }
        if (how === 'next' || (how === 'late' && !one.points.has(timestamp)))
          one.points.set(timestamp, value);
      }
      return undefined;
    },
    async query(path, { query = '', time = '0' }) {
      const [, name, matchers = '', rangeMs] = /^(\w+)\{(.*)\}\[(\d+)ms\]$/s.exec(query) ?? [];
      if (path !== '/api/v1/query' || name === undefined) throw new Error(`not known here: ${query}`);
      const toMs = Math.round(Number(time) * 1000);
      const result = [...series.values()].flatMap(({ labels, points }) => {
        if (labels.__name__ !== name || !matches(matchers, labels)) return [];
        const inside = [...points].filter(([ms]) => ms <= toMs && ms >= toMs - Number(rangeMs));
        const values = inside.sort(([a], [b]) => a - b);
        return values.length === 0
          ? []
          : [
              {
                metric: labels,
                values: values.map(([ms, value]): [number, string] => [ms / 1000, `${value}`]),
              },
            ];
      });
      return { resultType: 'matrix', result };
    },
  };
}

function matches(matchers: string, labels: Readonly<Record<string, string>>): boolean {
  for (const [, label = '', op, quoted = '""'] of matchers.matchAll(/(\w+)(=~|!~)("(?:[^"\\]|\\.)*")/gs)) {
    const source = (JSON.parse(quoted) as string).replaceAll('(?s:', '(?:');
    const isMatch = new RegExp(`^(?:${source})$`, 's').test(labels[label] ?? '');
    if (isMatch !== (op === '=~')) return false;
  }
  return true;
}

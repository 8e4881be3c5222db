import type { Columns, Row } from './evaluation.ts';
import type { Type, Value } from './functions.ts';
import {
  DIMENSIONS_A_TABLE,
  DIMENSIONS_BYTES,
  FUTURE_MS,
  MEASURES_A_RECORD,
  MEASURES_A_TABLE,
  RECORD_BYTES,
} from './limits.ts';
import type { IncomingRecord, Measure } from './records.ts';

export interface TableProperties {
  memoryHours: number;
  magneticDays: number;
  /** Whether it takes records that are older than the memory store keeps. */
  magneticWrites: boolean;
}

/** The result of a record. */
export type Outcome =
  | { kind: 'memory' | 'magnetic' }
  | { kind: 'rejected'; reason: string; existingVersion?: number };

export interface Table {
  properties: TableProperties;
  write(record: IncomingRecord, nowMs: number): Outcome;
  columns(): Columns;
  /** The columns with their kinds: dimension, measure name, time, measure. */
  describe(): { column: string; type: string; attribute: string }[];
  /** Every record that can already be read, in no order. */
  rows(nowMs: number): Iterable<Row>;
}

type Stored = IncomingRecord & { readableFromMs: number; row: Row };

const HOUR_MS = 3_600_000;
const EXISTS =
  'A record already exists with the same time, dimensions, measure name, and record version. A higher record version must be specified in order to update the measure value. Specifying record version is supported by the latest SDKs.';

/**
 * A table in memory. Records can be read `readDelayMs` after they were written, because reads are eventually
 * consistent.
 */
export function createTable(properties: TableProperties, readDelayMs: number): Table {
  // The writes of each record, the newest last: reads return an older one until the newer one is visible.
  const records = new Map<string, Stored[]>();
  const dimensions = new Set<string>();
  const measures = new Map<string, Measure['type']>();

  function refusal(record: IncomingRecord): string | undefined {
    const names = [...record.dimensions.keys()];
    const dimensionBytes = bytesOf([...record.dimensions].flat());
    if (dimensionBytes > DIMENSIONS_BYTES)
      return `The size of the dimensions, ${dimensionBytes} bytes, exceeds ${DIMENSIONS_BYTES}.`;
    const parts = [...record.measures].flatMap(([name, { text }]) => [name, text]);
    const bytes = dimensionBytes + bytesOf([record.measureName, ...parts]);
    if (bytes > RECORD_BYTES) return `The size of the record, ${bytes} bytes, exceeds ${RECORD_BYTES}.`;
    if (record.measures.size > MEASURES_A_RECORD)
      return `A record has at most ${MEASURES_A_RECORD} measures.`;
    if (new Set([...dimensions, ...names]).size > DIMENSIONS_A_TABLE)
      return `A table has at most ${DIMENSIONS_A_TABLE} dimensions.`;
    const added = [...record.measures.keys()].filter((name) => !measures.has(name));
    if (measures.size + added.length > MEASURES_A_TABLE)
      return `A table has at most ${MEASURES_A_TABLE} measures in records of several.`;
    const both =
      names.find((name) => measures.has(name) || record.measures.has(name)) ??
      added.find((name) => dimensions.has(name));
    if (both !== undefined) return `The column ${both} cannot be both a dimension and a measure.`;
    for (const [name, { type, text }] of record.measures) {
      const known = measures.get(name);
      if (known !== undefined && known !== type)
        return `The measure ${name} is ${known} in this table, not ${type}.`;
      if (measured({ type, text }) === undefined) return `The value ${text} of ${name} is not a ${type}.`;
    }
    return undefined;
  }

  function write(record: IncomingRecord, nowMs: number): Outcome {
    const reason = refusal(record);
    if (reason !== undefined) return { kind: 'rejected', reason };
    const [memoryFromMs, untilMs] = [nowMs - properties.memoryHours * HOUR_MS, nowMs + FUTURE_MS];
    const magneticFromMs = nowMs - properties.magneticDays * 24 * HOUR_MS;
    const timeMs = Number(record.timeNs / 1_000_000n);
    const fromMs = properties.magneticWrites ? Math.min(magneticFromMs, memoryFromMs) : memoryFromMs;
    if (timeMs < fromMs || timeMs >= untilMs) {
      const range = `[${new Date(fromMs).toISOString()}, ${new Date(untilMs).toISOString()})`;
      const where = properties.magneticWrites ? 'data ingestion window' : 'memory store';
      return {
        kind: 'rejected',
        reason: `The record timestamp is outside the time range ${range} of the ${where}.`,
      };
    }
    const magnetic = timeMs < memoryFromMs;
    const key = JSON.stringify([record.measureName, String(record.timeNs), [...record.dimensions]]);
    const history = records.get(key) ?? [];
    const existing = history.at(-1);
    if (existing && record.version <= existing.version) {
      const same = sameMeasures(record, existing) && record.version === existing.version;
      // A magnetic store validates later, and reports to a bucket: for the writer the record is accepted.
      if (magnetic || same) return { kind: magnetic ? 'magnetic' : 'memory' };
      return { kind: 'rejected', reason: EXISTS, existingVersion: existing.version };
    }
    for (const name of record.dimensions.keys()) dimensions.add(name);
    for (const [name, { type }] of record.measures) measures.set(name, type);
    const readable = history.filter(({ readableFromMs }) => readableFromMs <= nowMs).at(-1);
    const kept = history.slice(readable ? history.indexOf(readable) : 0);
    records.set(key, [...kept, { ...record, readableFromMs: nowMs + readDelayMs, row: rowOf(record) }]);
    return { kind: magnetic ? 'magnetic' : 'memory' };
  }

  const columns = (): Columns =>
    new Map<string, Type>([
      ...[...dimensions].map((name) => [name, 'varchar'] as const),
      ['measure_name', 'varchar'],
      ['time', 'timestamp'],
      ...[...measures].map(([name, type]) => [name, type.toLowerCase() as Type] as const),
    ]);

  return {
    properties,
    write,
    columns,
    describe: () =>
      [...columns()].map(([column, type]) => ({
        column,
        type: String(type),
        attribute: dimensions.has(column)
          ? 'DIMENSION'
          : column === 'time'
            ? 'TIMESTAMP'
            : column === 'measure_name'
              ? 'MEASURE_NAME'
              : 'MULTI',
      })),
    *rows(nowMs) {
      for (const history of records.values()) {
        const record = history.findLast(({ readableFromMs }) => readableFromMs <= nowMs);
        if (record) yield record.row;
      }
    },
  };
}

function rowOf(record: IncomingRecord): Row {
  return new Map<string, Value>([
    ...record.dimensions,
    ['measure_name', record.measureName],
    ['time', record.timeNs],
    ...[...record.measures].map(([name, measure]) => [name, measured(measure) ?? null] as const),
  ]);
}

/** Undefined for an invalid value of its type. */
function measured({ type, text }: Measure): Value | undefined {
  switch (type) {
    case 'VARCHAR':
      return text;
    case 'BIGINT':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined;
    case 'BOOLEAN':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'DOUBLE':
      return Number.isFinite(Number(text)) ? Number(text) : undefined;
  }
}

function sameMeasures(a: IncomingRecord, b: IncomingRecord): boolean {
  if (a.measures.size !== b.measures.size) return false;
  return [...a.measures].every(([name, measure]) => {
    const other = b.measures.get(name);
    return other !== undefined && measured(measure) === measured(other);
  });
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

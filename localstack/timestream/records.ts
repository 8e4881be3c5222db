import { z } from 'zod';
import {
  DIMENSION_NAME_BYTES,
  isReserved,
  MEASURE_NAME_BYTES,
  MEASURE_VALUE_LENGTH,
  RECORDS_A_REQUEST,
} from './limits.ts';
import { invalid } from './service-error.ts';

const TYPES = ['DOUBLE', 'BIGINT', 'VARCHAR', 'BOOLEAN'] as const;

// https://docs.aws.amazon.com/timestream/latest/developerguide/API_Record.html
const attributesSchema = z.object({
  Dimensions: z
    .array(
      z.object({
        Name: z.string().min(1).max(DIMENSION_NAME_BYTES),
        Value: z.string(),
        DimensionValueType: z.literal('VARCHAR').optional(),
      }),
    )
    .max(128)
    .optional(),
  MeasureName: z.string().min(1).max(MEASURE_NAME_BYTES).optional(),
  MeasureValueType: z.literal('MULTI', 'the emulator knows records of several measures only').optional(),
  MeasureValues: z
    .array(
      z.object({
        Name: z.string().min(1).max(MEASURE_NAME_BYTES),
        Value: z.string().min(1).max(MEASURE_VALUE_LENGTH),
        Type: z.enum(TYPES),
      }),
    )
    .optional(),
  Time: z.string().regex(/^\d+$/).optional(),
  TimeUnit: z.enum(['MILLISECONDS', 'SECONDS', 'MICROSECONDS', 'NANOSECONDS']).optional(),
  Version: z.int().min(1).optional(),
});

export const writeRecordsSchema = z.object({
  DatabaseName: z.string(),
  TableName: z.string(),
  CommonAttributes: attributesSchema.optional(),
  Records: z.array(attributesSchema).min(1).max(RECORDS_A_REQUEST),
});

const UNIT_NANOSECONDS = {
  SECONDS: 1_000_000_000n,
  MILLISECONDS: 1_000_000n,
  MICROSECONDS: 1_000n,
  NANOSECONDS: 1n,
} as const;

export interface Measure {
  type: (typeof TYPES)[number];
  text: string;
}

export interface IncomingRecord {
  dimensions: ReadonlyMap<string, string>;
  measureName: string;
  timeNs: bigint;
  version: number;
  measures: ReadonlyMap<string, Measure>;
}

type Attributes = z.infer<typeof attributesSchema>;

/**
 * A record with the attributes that all records of its request share. This throws when the service refuses a whole
 * request; the table refuses single records.
 * @throws ServiceError
 */
export function recordOf(own: Attributes, shared: Attributes = {}): IncomingRecord {
  const all = { ...shared, ...own };
  const { MeasureName, Time, TimeUnit = 'MILLISECONDS', Version = 1, MeasureValues = [] } = all;
  const dimensions = named([...(shared.Dimensions ?? []), ...(own.Dimensions ?? [])], 'dimension');
  const measures = named(MeasureValues, 'measure');
  if (MeasureName === undefined) throw invalid('MeasureName is required');
  if (Time === undefined) throw invalid('Time is required');
  if (all.MeasureValueType !== 'MULTI') throw invalid('the emulator knows records of several measures only');
  if (dimensions.size === 0) throw invalid('a record has at least one dimension');
  if (measures.size === 0) throw invalid('MeasureValues is required for a record of type MULTI');
  return {
    dimensions: new Map([...dimensions].map(([name, { Value }]) => [name, Value] as const).sort()),
    measureName: MeasureName,
    timeNs: BigInt(Time) * UNIT_NANOSECONDS[TimeUnit],
    version: Version,
    measures: new Map([...measures].map(([name, one]) => [name, { type: one.Type, text: one.Value }])),
  };
}

function named<T extends { Name: string }>(list: readonly T[], what: string): Map<string, T> {
  const found = new Map<string, T>();
  for (const one of list) {
    if (isReserved(one.Name)) throw invalid(`${one.Name} is reserved, it cannot name a ${what}`);
    if (found.has(one.Name)) throw invalid(`the ${what} ${one.Name} appears twice`);
    found.set(one.Name, one);
  }
  return found;
}

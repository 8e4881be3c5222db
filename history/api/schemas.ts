// Pieces that schemas of several routes have.

import { z } from '@hono/zod-openapi';
import { findMetric, type Unit } from '../../core/catalogue.ts';

export const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

export const labelsSchema = z.record(z.string(), z.string()).readonly();

const UNITS = [
  'percent',
  'seconds',
  'bytes',
  'bytes_per_second',
  'count',
  'ratio',
  'bool',
  'version',
] as const satisfies readonly Unit[];
export const unitSchema = z.enum(UNITS);

/** What JSON cannot write (NaN, Infinity) and what is not there is null. */
export const valuesSchema = list(z.number().nullable());

export function jsonContent<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

export function unitOf(metric: string): Unit {
  return findMetric(metric)?.unit ?? 'count';
}

/** JSON has no NaN and no Infinity. */
export function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

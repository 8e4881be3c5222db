import type { _Record } from '@aws-sdk/client-timestream-write';
import { findMetric, type Metric } from '../../../core/catalogue.ts';
import { labelKey } from '../../../core/labels.ts';
import type { Labels } from '../../../core/model/labels.ts';
import type { Sample } from '../../../core/model/sample.ts';
import type { RejectedSample } from '../../../core/ports.ts';
import { DIMENSIONS_BYTES, dimensionsOf, RECORD_VERSION } from './columns.ts';

/** Samples of one time, label set and catalogue group: one record of several measures, as one row of the sqlite store. */
export interface Draft {
  group: Metric['group'];
  series: string;
  labels: Labels;
  timeMs: number;
  /** By metric. Of several samples of a metric the first. */
  samples: Map<string, Sample>;
}

export interface Drafts {
  drafts: Draft[];
  /** Further samples of the same metric, labels and time. */
  duplicates: number;
  rejected: RejectedSample[];
}

/** Gathers samples into records, and rejects samples that the service would never take, with a reason. */
export function gather(samples: readonly Sample[]): Drafts {
  const drafts = new Map<string, Draft>();
  const seen = new Map<Labels, { series: string; reason: string | undefined }>();
  const rejected: RejectedSample[] = [];
  let duplicates = 0;
  for (const sample of samples) {
    const { metric, labels, timeMs } = sample;
    // Samples of a thing share one labels object.
    const labelSet = seen.get(labels) ?? validateLabels(labels);
    seen.set(labels, labelSet);
    const { series } = labelSet;
    const group = findMetric(metric)?.group;
    const reason = labelSet.reason ?? rejection(sample);
    if (reason !== undefined || group === undefined) {
      rejected.push({ sample, reason: reason ?? 'the catalogue has no such metric', cause: 'invalid' });
      continue;
    }
    const id = draftKey({ group, series, timeMs });
    const draft = drafts.get(id) ?? { group, series, labels, timeMs, samples: new Map() };
    drafts.set(id, draft);
    if (draft.samples.has(metric)) duplicates++;
    else draft.samples.set(metric, sample);
  }
  return { drafts: [...drafts.values()], duplicates, rejected };
}

/** Equal for drafts that are the same record to the service. */
export function draftKey({ group, series, timeMs }: Pick<Draft, 'group' | 'series' | 'timeMs'>): string {
  return `${group} ${timeMs} ${series}`;
}

/**
 * The record of a draft. Without `earlier` it is a first write, version 1, which the service refuses where a record
 * is. With it it holds the earlier measures too, and replaces exactly the version before its own.
 */
export function recordOf(
  draft: Draft,
  earlier?: { version: number; values: ReadonlyMap<string, number> },
): _Record {
  const values = new Map([...draft.samples].map(([metric, { value }]) => [metric, value] as const));
  for (const [metric, value] of earlier?.values ?? []) values.set(metric, value);
  const measures = [...values].map(([Name, value]) => ({
    Name,
    Value: String(value),
    Type: 'DOUBLE' as const,
  }));
  const version = earlier ? earlier.version + 1 : 1;
  const versionMeasure = { Name: RECORD_VERSION, Value: String(version), Type: 'BIGINT' as const };
  return {
    Dimensions: dimensionsOf(draft.series, draft.labels),
    MeasureName: draft.group,
    MeasureValues: earlier ? [...measures, versionMeasure] : measures,
    Time: String(draft.timeMs),
    Version: version,
  };
}

function rejection({ timeMs, value }: Sample): string | undefined {
  if (!Number.isFinite(value)) return 'its value is not a finite number';
  if (!Number.isSafeInteger(timeMs) || timeMs < 0) return 'its time is not a whole number of milliseconds';
  return undefined;
}

function validateLabels(labels: Labels): { series: string; reason: string | undefined } {
  const series = labelKey(labels);
  const texts = Object.entries(labels).flat();
  if (!texts.every((text) => text.isWellFormed()))
    return { series, reason: 'its labels are not valid Unicode' };
  const dimensions = dimensionsOf(series, labels);
  const bytes = dimensions.reduce((sum, { Name, Value }) => sum + Buffer.byteLength(Name + Value), 0);
  const reason = `its labels are ${bytes} bytes as dimensions, Timestream takes ${DIMENSIONS_BYTES}`;
  return { series, reason: bytes > DIMENSIONS_BYTES ? reason : undefined };
}

// Shapes of messages between stages. A message of another shape fails for good, with an error that says what is wrong.

import { z } from 'zod';
import { PermanentError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { BatchObservation } from '../../core/model/observation.ts';
import type { Sample } from '../../core/model/sample.ts';
import { ROLES } from '../../core/model/target.ts';
import type { Shard } from '../../core/plan/shards.ts';

/*
 * While a release is rolled out, messages of the one before and of the one after it are read: fields that are not known
 * are left in place, and what a later release may add a word to (reasons of failures, phases) is any text. A field that
 * a release adds is optional in the next.
 */

/** Times that a Date can be of (https://tc39.es/ecma262/#sec-time-values-and-time-range). */
const time = z.number().min(0).max(8.64e15);
const name = z.string().min(1);
const wholeNumber = z.int().min(0);

const targetSchema = z.looseObject({
  cluster: name,
  node: name,
  role: z.enum(ROLES),
  host: name,
  port: z.int().min(1).max(65_535),
  user: name,
  bastion: name,
  otherBastions: z.array(name).exactOptional(),
  hostKeys: z.array(z.string()),
});

const batchSchema = z.looseObject({
  roundMs: time,
  bastion: name,
  otherBastions: z.array(name).exactOptional(),
  index: wholeNumber,
  count: z.int().min(1),
  checks: z.array(name),
  targets: z.array(targetSchema),
  intervalMs: time.exactOptional(),
  expiresAtMs: time,
});

function isSample(value: unknown): value is Sample {
  const { metric, labels, timeMs, value: number } = (value ?? {}) as Partial<Sample>;
  if (typeof metric !== 'string' || typeof timeMs !== 'number' || typeof number !== 'number') return false;
  if (typeof labels !== 'object' || labels === null) return false;
  for (const label in labels) if (typeof labels[label] !== 'string') return false;
  return true;
}

/** Checked by hand: ten thousand samples take 2 ms instead of 30 by schemas. */
const samplesSchema = z.array(z.unknown()).superRefine((samples, context) => {
  const wrong = samples.findIndex((sample) => !isSample(sample));
  if (wrong >= 0) context.addIssue({ code: 'custom', path: [wrong], message: 'this is not a sample' });
});

const failureSchema = z.looseObject({ reason: name, phase: name, detail: z.string() });
const failedSchema = z.looseObject({ ok: z.literal(false), failure: failureSchema });
const observationSchema = z.looseObject({
  check: name,
  target: targetSchema,
  roundMs: time,
  observedAtMs: time,
  durationMs: z.number(),
  through: name.exactOptional(),
  missedBy: name.exactOptional(),
  result: z.discriminatedUnion('ok', [
    z.looseObject({ ok: z.literal(true), samples: samplesSchema, notes: z.array(z.string()) }),
    failedSchema,
  ]),
});
const outcomeSchema = z.discriminatedUnion('ok', [z.looseObject({ ok: z.literal(true) }), failedSchema]);
const observationsSchema = z.looseObject({
  batch: batchSchema,
  bastion: outcomeSchema,
  ways: z.array(z.looseObject({ bastion: name, outcome: outcomeSchema })).exactOptional(),
  observations: z.array(observationSchema),
  repeats: samplesSchema.optional(),
  partial: z.literal(true).optional(),
});

const shardSchema = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('whole') }),
  z
    .looseObject({ kind: z.literal('clusters'), index: wholeNumber, count: z.int().min(1) })
    .refine(({ index, count }) => index < count, { error: '`index` is not below `count`' }),
  z
    .looseObject({ kind: z.literal('fleet'), count: wholeNumber })
    .transform((shard) => ({ ...shard, kind: 'crossCluster' as const })),
]);
const evaluationSchema = z.looseObject({ roundMs: time, shard: shardSchema });
const deliverySchema = z.looseObject({ incidentId: name });
/** The release before said not until when it waits, and had other reasons. */
const wakeSchema = z.looseObject({ why: name, untilMs: time.optional() });
const tickSchema = z.looseObject({ scheduledTime: z.string() });
const recordsSchema = z.looseObject({ Records: z.array(z.looseObject({})) });
const requestSchema = z.looseObject({ rawPath: z.string() });

/** @throws PermanentError */
export function readBatch(message: unknown): Batch {
  return read(batchSchema, message);
}

/** Reads what a batch saw, or what those of its nodes saw that answered first. @throws PermanentError */
export function readObservations(message: unknown): BatchObservation {
  return read(observationsSchema, message) as unknown as BatchObservation;
}

/** Reads which shard to evaluate, and up to which round. @throws PermanentError */
export function readEvaluation(message: unknown): { roundMs: number; shard: Shard } {
  return read(evaluationSchema, message);
}

/** @throws PermanentError */
export function readIncidentMessage(message: unknown): { incidentId: string } {
  return read(deliverySchema, message);
}

/** Reads why notify wakes, and until when the message stays in its queue. @throws PermanentError */
export function readWake(message: unknown): { why: string; untilMs?: number | undefined } {
  return read(wakeSchema, message);
}

/** Reads a start by the schedule: its scheduled time, not the time of the call, in ISO 8601. @throws PermanentError */
export function readTick(event: unknown): { scheduledTime: string } {
  return read(tickSchema, event);
}

/** Checks that an event of the table's stream or of a queue has records. @throws PermanentError */
export function requireRecords(event: unknown): void {
  read(recordsSchema, event);
}

/** The path of a request; undefined for other events. */
export function readPath(event: unknown): string | undefined {
  return requestSchema.safeParse(event).data?.rawPath;
}

/** Mistakes that a message names; the first explain the others. */
const MOST_NAMED = 3;

function read<T>(schema: z.ZodType<T>, message: unknown): T {
  const parsed = schema.safeParse(message);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const described = issues.slice(0, MOST_NAMED).map(({ path, message: what }) => {
    return path.length > 0 ? `${path.map(String).join('.')}: ${what}` : what;
  });
  const more = issues.length > MOST_NAMED ? ` and ${issues.length - MOST_NAMED} more` : '';
  throw new PermanentError(`this is not a message that a stage sends: ${described.join('; ')}${more}`);
}

import { z } from 'zod';
import { shardName } from '../../core/plan/shards.ts';
import { decodeMessage } from './messages.ts';

const time = z.number().transform((ms) => new Date(ms).toISOString());
const nodeName = z.object({ cluster: z.string(), node: z.string() });
const batch = z.object({
  roundMs: time,
  bastion: z.string(),
  index: z.number(),
  count: z.number(),
  targets: z.array(nodeName),
  expiresAtMs: time.optional(),
});
const shard = z.union([
  z.object({ kind: z.literal('whole') }),
  z.object({ kind: z.literal('clusters'), index: z.number(), count: z.number() }),
  z
    .object({ kind: z.literal('fleet'), count: z.number() })
    .transform(({ count }) => ({ kind: 'crossCluster' as const, count })),
]);
/** A start of a round: the schedule's message, or Lambda's report about a call that it gave up. */
const start = z.object({ scheduledTime: z.string() });
const givenUp = z.object({
  requestPayload: start,
  requestContext: z.object({ condition: z.string(), approximateInvokeCount: z.number() }),
  responsePayload: z.object({ errorType: z.string() }).optional().catch(undefined),
});

/** Nodes that are named; the others are counted. */
const MOST_NAMES = 3;

/** Texts by stage. They show only names, times and numbers of a message. */
const TEXTS: Readonly<Record<string, (message: unknown) => string>> = {
  plan(message) {
    const call = givenUp.safeParse(message);
    if (!call.success) return `start of the round of ${start.parse(message).scheduledTime}`;
    const { requestPayload, requestContext, responsePayload } = call.data;
    const error = responsePayload ? `, ${responsePayload.errorType}` : '';
    return `start of the round of ${requestPayload.scheduledTime}: ${requestContext.condition} after ${requestContext.approximateInvokeCount} tries${error}`;
  },
  probe(message) {
    const { targets, expiresAtMs, ...one } = batch.parse(message);
    return `${batchText(one)}: ${namesText(targets)}; expired at ${expiresAtMs ?? one.roundMs}`;
  },
  store(message) {
    const seen = z.object({ target: nodeName, result: z.object({ ok: z.boolean() }) });
    const parsed = z
      .object({ batch, bastion: z.object({ ok: z.boolean() }), observations: z.array(seen) })
      .parse(message);
    const { observations } = parsed;
    if (!parsed.bastion.ok) return `${batchText(parsed.batch)}: the bastion was lost`;
    const failed = observations.filter(({ result }) => !result.ok).length;
    return `${batchText(parsed.batch)}: ${observations.length} observations (${failed} failed) of ${namesText(observations.map(({ target }) => target))}`;
  },
  evaluate(message) {
    const parsed = z.object({ roundMs: time, shard }).parse(message);
    const part = parsed.shard.kind === 'whole' ? 'all clusters' : `part ${shardName(parsed.shard)}`;
    return `evaluation of ${part}, round of ${parsed.roundMs}`;
  },
  notify(message) {
    const { untilMs } = z.object({ why: z.literal('tick'), untilMs: time }).parse(message);
    return `wake-up of a round, until ${untilMs}`;
  },
  deliver: (message) =>
    `delivery of incident ${z.object({ incidentId: z.string() }).parse(message).incidentId}`,
};

/** One line about a message of a stage. For a message that is not ours, only its length. */
export function messageText(stage: string, body: string): string {
  try {
    const text = TEXTS[stage]?.(decodeMessage(body));
    // Labels come from nodes: a terminal must not obey control characters in them.
    if (text !== undefined) return text.replace(/\p{Cc}/gu, '?');
  } catch {
    // An invalid message is not shown, whatever is wrong with it.
  }
  return `not a message of ours, ${Buffer.byteLength(body)} bytes`;
}

function batchText({
  roundMs,
  bastion,
  index,
  count,
}: Pick<z.output<typeof batch>, 'roundMs' | 'bastion' | 'index' | 'count'>) {
  return `batch ${index + 1} of ${count} over ${bastion}, round of ${roundMs}`;
}

function namesText(nodes: readonly z.output<typeof nodeName>[]): string {
  const names = [...new Set(nodes.map(({ cluster, node }) => `${cluster}/${node}`))];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}

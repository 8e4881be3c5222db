// Faults of a deployment, and the values that its functions count.

import { decodeMessage } from '../../adapters/queues/messages.ts';
import type { QueueMessage } from '../../adapters/queues/sqs.ts';
import { PermanentError, RetryableError } from '../../core/errors.ts';
import type { Batch } from '../../core/model/batch.ts';
import type { Notification } from '../../core/model/notification.ts';
import type { Sample } from '../../core/model/sample.ts';
import type { Channel, PictureForm, SampleStore } from '../../core/ports.ts';

export const STAGES = ['probe', 'store', 'evaluate', 'notify', 'deliver'] as const;
export type Stage = (typeof STAGES)[number];

export interface Fault {
  /** No configuration was uploaded. */
  unconfigured?: boolean;
  store?: boolean;
  channel?: boolean;
  /** Queues take no message. */
  queues?: boolean;
  /** Messages of these stages are handed out twice. */
  twice?: ReadonlySet<Stage>;
  /** Nobody reads the queue of this stage. */
  stopped?: Stage;
  /** Notify is not woken but by the tick. */
  noWake?: boolean;
  /** The function is killed after its work, before it answers. */
  killed?: ReadonlySet<Stage>;
  /** Batches are handed out so late, of this bastion or of all. */
  late?: { seconds: number; bastion?: string } | undefined;
  /** Samples that the store refuses for good. */
  refused?: (sample: Sample) => boolean;
  /** Samples that are too late for the store. */
  tooLate?: (sample: Sample) => boolean;
  /** Bastions that the deployment has no queue for. */
  noQueue?: ReadonlySet<string>;
  /** The channel refuses messages for good. */
  channelRefuses?: boolean;
  /** These cannot read their configuration. */
  notify?: boolean;
  deliver?: boolean;
  /** No round can be planned: the clusters cannot be listed. */
  inventory?: boolean;
  /** The clock of deliver is so far behind the others, in ms. */
  behindMs?: number;
  /** Rounds are evaluated so many seconds late. */
  lateEvaluation?: number;
}

/** A value that a function counted or measured. */
export interface Datum {
  atMs: number;
  service: Stage | 'plan' | 'history';
  name: string;
  value: number;
}

/** A message as it is sent to that queue while the fault lasts. */
export function delayed(message: QueueMessage, url: string, { late, lateEvaluation }: Fault): QueueMessage {
  if (url.endsWith('/evaluate') && lateEvaluation !== undefined)
    return { ...message, delaySeconds: lateEvaluation };
  if (!url.endsWith('/probe') || !late) return message;
  const { bastion } = decodeMessage(message.body) as Batch;
  const isLate = late.bastion === undefined || late.bastion === bastion;
  return isLate ? { ...message, delaySeconds: late.seconds } : message;
}

/** A store that does not answer, or refuses some samples, while the fault lasts. */
export function faultyStore(store: SampleStore, fault: Fault): SampleStore {
  const refuse = () => {
    throw new RetryableError('the store does not answer');
  };
  return {
    ...store,
    async write(samples) {
      if (fault.store) refuse();
      const causeOf = (sample: Sample) => {
        if (fault.refused?.(sample)) return 'invalid' as const;
        return fault.tooLate?.(sample) ? ('too-late' as const) : undefined;
      };
      const result = await store.write(samples.filter((sample) => !causeOf(sample)));
      const refused = samples.flatMap((sample) => {
        const cause = causeOf(sample);
        return cause ? [{ sample, reason: 'the test refuses it', cause }] : [];
      });
      return { ...result, rejected: [...result.rejected, ...refused] };
    },
    query: async (query) => (fault.store ? refuse() : store.query(query)),
    latest: async (query) => (fault.store ? refuse() : store.latest(query)),
  };
}

export function faultyChannel(
  fault: Fault,
  shows: PictureForm = 'bytes',
  onSent: (notification: Notification) => unknown,
): Channel {
  return {
    shows,
    async send(notification) {
      if (fault.channel) throw new RetryableError('chat answered 503');
      if (fault.channelRefuses) throw new PermanentError('chat answered 400');
      onSent(notification);
      return { detail: 'accepted' };
    },
    verify: async () => ({ detail: 'fine' }),
  };
}

// The faults of a deployment, and the values that its functions count.

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
  /** Nobody uploaded a configuration. */
  unconfigured?: boolean;
  store?: boolean;
  channel?: boolean;
  /** All queues refuse messages. */
  queues?: boolean;
  /** The queues of these stages hand out each message twice. */
  twice?: ReadonlySet<Stage>;
  /** No function reads the queue of this stage. */
  stopped?: Stage;
  /** Only the tick wakes notify. */
  noWake?: boolean;
  /** These functions are killed after their work, before they answer. */
  killed?: ReadonlySet<Stage>;
  /** The queue hands out batches this late, those of one bastion or all. */
  late?: { seconds: number; bastion?: string } | undefined;
  /** The store refuses these samples for good. */
  refused?: (sample: Sample) => boolean;
  /** The store refuses these samples as too late. */
  tooLate?: (sample: Sample) => boolean;
  /** The deployment has no queue for these bastions. */
  noQueue?: ReadonlySet<string>;
  /** The channel refuses messages for good. */
  channelRefuses?: boolean;
  /** Notify or deliver cannot read its configuration. */
  notify?: boolean;
  deliver?: boolean;
  /** Plan cannot list the clusters, so it plans no round. */
  inventory?: boolean;
  /** How many ms the clock of deliver is behind the others. */
  behindMs?: number;
  /** How many seconds later rounds are evaluated. */
  lateEvaluation?: number;
}

/** A value that a function counted or measured. */
export interface Datum {
  atMs: number;
  service: Stage | 'plan' | 'history';
  name: string;
  value: number;
}

/** The message that the queue gets while the fault lasts. */
export function delayed(message: QueueMessage, url: string, { late, lateEvaluation }: Fault): QueueMessage {
  if (url.endsWith('/evaluate') && lateEvaluation !== undefined)
    return { ...message, delaySeconds: lateEvaluation };
  if (!url.endsWith('/probe') || !late) return message;
  const { bastion } = decodeMessage(message.body) as Batch;
  const isLate = late.bastion === undefined || late.bastion === bastion;
  return isLate ? { ...message, delaySeconds: late.seconds } : message;
}

/** While the fault lasts, the store does not answer or refuses some samples. */
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

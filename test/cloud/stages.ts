import { readEnvironment } from '../../functions/environment.ts';
import { queueTimesSeconds, timeoutsSeconds, visibilitySeconds } from '../../lib/timing.ts';
import type { Stage } from './faults.ts';

const URL = 'https://sqs.us-east-1.amazonaws.com/000000000000/';
export const urlOf = (stage: Stage): string => `${URL}${stage}${stage === 'deliver' ? '.fifo' : ''}`;
/** The most messages of one call. */
export const SIZES: Record<Stage, number> = { probe: 1, store: 10, evaluate: 1, notify: 10, deliver: 1 };
/** The time-out of each function; the test measures calls in real time against it. */
export const TIMEOUT_MS = 60_000;
/** The values of a deployment whose store has the default time-out. */
const DEPLOYED = timeoutsSeconds({
  bastions: [],
  store: {
    type: 'prometheus',
    path: '',
    retentionMs: 0,
    rollUpRetentionMs: 0,
    options: { url: 'https://samples.example.net/' },
  },
});
export const queueOptions = (stage: Stage, tickMs: number) => ({
  visibilityS: visibilitySeconds(DEPLOYED[stage]),
  maxReceives: stage === 'probe' ? 5 : 200,
  retentionS: queueTimesSeconds(tickMs / 1000)[stage].retention,
});

export function environmentOf(bastions: readonly string[], shards: number, table = 'table') {
  return readEnvironment({
    BARTIZAN_BUCKET: 'bucket',
    BARTIZAN_TABLE: table,
    BARTIZAN_SHARDS: String(shards),
    BARTIZAN_PROBE_QUEUES: JSON.stringify(Object.fromEntries(bastions.map((name) => [name, 'probe']))),
    BARTIZAN_STORE_QUEUE: urlOf('store'),
    BARTIZAN_EVALUATE_QUEUE: urlOf('evaluate'),
    BARTIZAN_NOTIFY_QUEUE: urlOf('notify'),
    BARTIZAN_DELIVER_QUEUE: urlOf('deliver'),
  });
}

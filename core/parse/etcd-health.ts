import { cutText, visibleLine } from '../text/visible-line.ts';

export interface EtcdHealth {
  isHealthy: boolean;
  /** As etcd words it, such as `ALARM NOSPACE`; empty where it gives none, as before version 3.5. */
  reason: string;
}

const LONGEST_REASON = 120;

/** What etcd answered to `/health`; undefined: it is not that. */
export function parseEtcdHealth(body: string): EtcdHealth | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { health, reason } = (answer ?? {}) as { health?: unknown; reason?: unknown };
  // A text since 3.0, a boolean before.
  const flag = String(health);
  if (flag !== 'true' && flag !== 'false') return undefined;
  const text = typeof reason === 'string' ? reason.slice(0, 2 * LONGEST_REASON) : '';
  return { isHealthy: flag === 'true', reason: cutText(visibleLine(text), LONGEST_REASON) };
}

const MEANINGS: Readonly<Record<string, string>> = {
  'ALARM NOSPACE':
    'the database reached its quota and refuses writes: free space, defragment, disarm the alarm',
  'ALARM CORRUPT': 'data of members differ: replace the corrupt member',
  'RAFT NO LEADER': 'it sees no leader: a majority of the members is missing or unreachable',
};

/** The reason of an unhealthy etcd for people. */
export function explainEtcdHealth({ reason }: EtcdHealth, hasLeader: boolean): string {
  const known = MEANINGS[reason];
  if (known !== undefined) return `unhealthy: ${reason}: ${known}`;
  if (reason !== '') return `unhealthy: ${reason}`;
  return hasLeader ? 'unhealthy, and it does not say why' : `unhealthy: ${MEANINGS['RAFT NO LEADER']}`;
}

/** A name for the reason, from a small set: a label of `etcd_check`. */
export function etcdCheckName({ reason }: EtcdHealth, hasLeader: boolean): string {
  const alarm = /^ALARM ([A-Z]{1,32})$/.exec(reason)?.[1];
  if (alarm !== undefined) return alarm;
  if (reason === 'RAFT NO LEADER' || (reason === '' && !hasLeader)) return 'leader';
  return /^(QGET|RANGE) ERROR/.test(reason) ? 'read' : 'health';
}

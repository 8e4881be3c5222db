import type { Reading } from '../../../core/parse/reading.ts';
import { ProbeError } from '../../ssh/failure.ts';
import { reading } from '../service-probe.ts';
import { type Ask, type Health, type HiddenPath, healthOf, oddNote } from './health.ts';

/** Admission to these two paths is one decision. */
const LIVEZ = '/livez';
/** livez does not mean that the process is alive: while etcd is dead it answers 500. This tells the two apart. */
export const WITHOUT_ETCD = '/livez?exclude=etcd';

export interface Liveness {
  readings: Reading[];
  notes: string[];
  hidden: HiddenPath[];
  /** A path gave no answer, or none that says so. */
  isPartial: boolean;
}

/** A server that is ready is alive: the others are asked. */
export async function observeLiveness(ask: Ask, readiness: Health): Promise<Liveness> {
  const found: Liveness = { readings: [], notes: [], hidden: [], isPartial: false };
  const record = async (path: string, metric: string): Promise<Health | ProbeError> => {
    const answer = await ask(path, { leavesTime: path === LIVEZ });
    if (answer instanceof ProbeError) {
      found.notes.push(`${path}: ${answer.message}`);
      found.isPartial = true;
      return answer;
    }
    const health = healthOf(answer);
    if (health === 'hidden') found.hidden.push({ path, status: answer.status });
    else if (health === 'odd') {
      found.isPartial = true;
      found.notes.push(oddNote(path, answer));
    } else found.readings.push(reading(metric, health === 'ok' ? 1 : 0));
    return health;
  };
  if (readiness === 'odd') return found;
  if (readiness === 'ok') {
    found.readings.push(reading('apiserver_live', 1));
    return found;
  }
  const live = await record(LIVEZ, 'apiserver_live');
  // A dead etcd lets it fail, or hang.
  if (live !== 'failing' && !(live instanceof ProbeError)) return found;
  const withoutEtcd = await record(WITHOUT_ETCD, 'apiserver_live_without_etcd');
  if (withoutEtcd === 'ok' && live === 'failing')
    found.notes.push(`${LIVEZ} fails because of etcd alone: the process is well`);
  if (withoutEtcd === 'failing' && live === 'failing')
    found.notes.push(`${LIVEZ} fails, and not because of etcd alone`);
  return found;
}

import type { FailureReason } from '../../core/model/observation.ts';
import type { Endpoint } from './authorized-keys.ts';
import { ProbeError } from './failure.ts';
import type { SshSession } from './session.ts';
import { dial } from './tunnel.ts';

/** A port that checks of a node connect to, from the bastion or from the node itself. */
export interface Service extends Endpoint {
  via: 'bastion' | 'node';
  /** A node may have no service there. */
  optional?: true;
}

export interface ServiceAnswer extends Service {
  outcome: 'answers' | FailureReason;
  /** Why it does not answer; empty where it does. */
  detail: string;
}

/** Opens a connection to each service over the session of its hop, and sends nothing. Services of a missing session are left out. */
export async function tryServices(
  sessions: Readonly<Record<Service['via'], SshSession | undefined>>,
  services: readonly Service[],
  deadlineMs: number,
): Promise<ServiceAnswer[]> {
  const answers: ServiceAnswer[] = [];
  for (const service of services) {
    const session = sessions[service.via];
    if (!session) continue;
    try {
      const { stream } = await dial(session.client, service, deadlineMs, service.via);
      stream.on('error', () => {});
      stream.destroy();
      answers.push({ ...service, outcome: 'answers', detail: '' });
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      const { reason, detail } = error.failure;
      answers.push({ ...service, outcome: reason, detail });
    }
  }
  return answers;
}

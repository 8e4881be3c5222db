import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import type { Endpoint } from './authorized-keys.ts';
import { openBastionSession } from './bastion-session.ts';
import { forEachLimit } from './concurrency-limit.ts';
import { type Attempt, OUR_COMMAND, tryCapabilities } from './confinement.ts';
import { ProbeError } from './failure.ts';
import { fingerprintOf, type PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import type { NodeAccess } from './node-sessions.ts';
import { type Service, type ServiceAnswer, tryServices } from './service-scan.ts';
import { openSession, type SshSession } from './session.ts';
import { dial } from './tunnel.ts';

type Access = Pick<NodeAccess, 'target' | 'pinned'> & { key: LoginKey; services: readonly Service[] };

export interface BastionScan {
  bastion: BastionConfig;
  key: LoginKey;
  pinned: PinnedKeys;
  nodes: readonly Access[];
  /** Where the bastion may let us connect to. */
  permitted: readonly Endpoint[];
}

/** The attempts on each host. Hosts where the login failed are missing. */
export interface ConfinementScan {
  bastions: ReadonlyMap<string, readonly Attempt[]>;
  nodes: ReadonlyMap<Target, readonly Attempt[]>;
  /** Whether the services that checks of a node connect to answer. */
  services: ReadonlyMap<Target, readonly ServiceAnswer[]>;
}

const MAX_BASTIONS = 8;
/** Enough for banner, key exchange and authentication, and for the short answers to the attempts. */
const NODE_BYTES = 1024 * 1024;

/** Logs in to bastions and nodes anew and tries what our key may do there. Each attempt becomes a line of the audit. */
export async function scanConfinement(options: {
  scans: readonly BastionScan[];
  audit: (entry: AuditEntry) => void;
  actor: string;
  nowMs: () => number;
}): Promise<ConfinementScan> {
  const { actor, nowMs } = options;
  const bastions = new Map<string, readonly Attempt[]>();
  const nodes = new Map<Target, readonly Attempt[]>();
  const services = new Map<Target, readonly ServiceAnswer[]>();

  await forEachLimit(options.scans, MAX_BASTIONS, async (scan) => {
    const { bastion, key, pinned, permitted } = scan;
    const where = { actor, bastion: bastion.name };
    const ports = [...new Set(permitted.map(({ port }) => port))];
    const hop = await login(where, () => openBastionSession({ bastion, key, pinned }));
    if (!hop) return;
    try {
      await forEachLimit(scan.nodes, bastion.concurrency, (access) => scanNode(bastion, hop, access));
      bastions.set(bastion.name, await attempt(where, hop, { ports, permitted, bastion }));
    } finally {
      hop.end();
    }
  });
  return { bastions, nodes, services };

  async function scanNode(bastion: BastionConfig, hop: SshSession, access: Access): Promise<void> {
    const { target, key, pinned } = access;
    const where = { actor, bastion: bastion.name, target: `${target.cluster}/${target.node}` };
    const session = await login(where, async () => {
      const tunnel = await dial(hop.client, target, bastion.deadlines.dialMs);
      tunnel.allow(NODE_BYTES);
      const deadlineMs = bastion.deadlines.handshakeMs;
      const { user } = target;
      return openSession({ stream: tunnel.stream, user, key, pinned, phase: 'handshake', deadlineMs });
    });
    const sessions = { bastion: hop, node: session };
    const answers = await tryServices(sessions, access.services, bastion.deadlines.dialMs);
    services.set(target, answers);
    for (const { via, host, port, outcome } of answers)
      record(where, { atMs: nowMs(), command: `try ${via} → ${host}:${port}`, outcome });
    if (!session) return;
    const permitted = access.services.filter(({ via }) => via === 'node');
    nodes.set(target, await attempt(where, session, { ports: [], permitted, bastion }));
    session.end();
  }

  type Where = Pick<AuditEntry, 'actor' | 'bastion' | 'target'>;

  async function login(where: Where, open: () => Promise<SshSession>): Promise<SshSession | undefined> {
    const atMs = nowMs();
    try {
      const session = await open();
      record(where, { atMs, hostKeyFingerprint: session.fingerprint, outcome: 'ok' });
      return session;
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      const { hostKey, failure } = error;
      const presented = hostKey && { hostKeyFingerprint: fingerprintOf(hostKey) };
      record(where, { atMs, ...presented, outcome: failure.reason });
      return undefined;
    }
  }

  async function attempt(
    where: Where,
    session: SshSession,
    { ports, permitted, bastion }: Pick<BastionScan, 'permitted' | 'bastion'> & { ports: readonly number[] },
  ): Promise<Attempt[]> {
    const deadlineMs = bastion.deadlines.dialMs;
    const attempts = await tryCapabilities(session, { ports, permitted, deadlineMs, nowMs });
    for (const { capability, outcome, atMs, durationMs } of attempts) {
      const hostKeyFingerprint = session.fingerprint;
      const command = `try ${capability}`;
      const sent = capability === 'command' || capability === 'shell' ? { commandSha256: OUR_SHA256 } : {};
      record(where, { atMs, hostKeyFingerprint, command, ...sent, outcome }, durationMs);
    }
    return attempts;
  }

  function record(
    where: Where,
    entry: Omit<AuditEntry, 'kind' | 'actor' | 'bastion' | 'durationMs' | 'bytes'>,
    durationMs = nowMs() - entry.atMs,
  ): void {
    options.audit({ kind: 'check', ...where, ...entry, durationMs, bytes: 0 });
  }
}

const OUR_SHA256 = createHash('sha256').update(OUR_COMMAND).digest('hex');

// Detects a bastion that accepted our login but hides its nodes: it is lost, slow, or forbids forwarding.

import { isIP } from 'node:net';
import type { Batch } from '../../core/model/batch.ts';
import type { BastionConfig } from '../../core/model/config.ts';
import type { Failure } from '../../core/model/observation.ts';
import { loopWatch } from '../event-loop/loop-watch.ts';
import type { BastionConnection } from '../ssh/bastion-connection.ts';
import { firewallDenied, forwardingDenied, probeError } from '../ssh/failure.ts';
import type { NodeProbe } from './probe-node.ts';

/** While a bastion needs longer for a round trip, nodes behind it may seem silent although they are not. */
const SLOW_MS = 3_000;

/** Finds out whether nodes are silent because of their bastion: makes a round trip to it when a node is silent. */
export function watchBastion(connection: BastionConnection, { deadlines }: BastionConfig, batch: Batch) {
  let lost: Failure | undefined;
  let slow: Failure | undefined;
  let isSpent = false;
  let pending: Promise<void> | undefined;
  const makeRoundTrip = async (failure: Failure) => {
    const startMs = loopWatch.nowMs();
    const alive = await connection.isAlive(deadlines.bastionMs);
    if (!alive) lost ??= bastionLost(failure, batch);
    else if (loopWatch.nowMs() - startMs > SLOW_MS) slow ??= bastionSlow(batch);
  };
  return {
    /** Resolves when no round trip is pending: nodes that are probed meanwhile would seem silent too. */
    settled: async () => {
      await pending;
    },
    isLost: () => lost !== undefined,
    /** What a bastion says of itself. Without this connection its sshd has its files back. */
    lose(failure: Failure) {
      lost ??= failure;
      isSpent = true;
    },
    isSpent: () => isSpent,
    async check(failure: Failure) {
      pending = makeRoundTrip(failure);
      await pending;
    },
    failure: () => lost ?? slow,
  };
}

function bastionLost({ reason }: Failure, batch: Batch): Failure {
  const detail = `the bastion stopped answering in the middle of the round${nameServerHint(batch)}`;
  return probeError(reason === 'timeout' ? 'timeout' : 'protocol', 'bastion', detail).failure;
}

function bastionSlow(batch: Batch): Failure {
  const detail = `the bastion answered nothing for a while in the middle of the round${nameServerHint(batch)}`;
  return probeError('timeout', 'bastion', detail).failure;
}

/** OpenSSH resolves names of nodes one at a time, and blocks the connection meanwhile. */
function nameServerHint({ targets }: Batch): string {
  const names = targets.filter(({ host }) => isIP(host) === 0).map(({ host }) => host);
  return names.length === 0 ? '' : `; does its name server answer for ${names.slice(0, 3).join(', ')}?`;
}

/**
 * The failure of a bastion that forbids connections to all of its nodes: we learn nothing about any of them. Where checks
 * log in, they decide: a service's port that the bastion forbids is the fault of that check alone.
 */
export function deniedToAll(all: readonly NodeProbe[]): Failure | undefined {
  const logins = all.filter(({ observation }) => !observation.withoutLogin);
  const probes = logins.length > 0 ? logins : all;
  const isForbidden = ({ observation, error }: NodeProbe) =>
    !observation.result.ok &&
    error?.failure.reason === 'forbidden' &&
    (logins.length === 0 || error.failure.phase === 'dial');
  if (probes.length === 0 || !probes.every(isForbidden)) return undefined;
  const byFirewall = probes.every(({ error }) => error?.failure.detail.includes("the bastion's firewall"));
  return (byFirewall ? firewallDenied : forwardingDenied)('any of its nodes').failure;
}

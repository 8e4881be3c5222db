import type { BastionConfig } from '../../core/model/config.ts';
import type { Target } from '../../core/model/target.ts';
import { connectToBastion } from './bastion-socket.ts';
import { forEachLimit } from './concurrency-limit.ts';
import { ProbeError } from './failure.ts';
import type { HostKey, PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import { openSession, scanHostKey } from './session.ts';
import { dial } from './tunnel.ts';

/** The key that a host presented, or why it presented none. */
export type KeyScan = { key: HostKey } | { error: ProbeError };

/** Reads the host key of a bastion, without a login. */
export function scanBastionKey(bastion: BastionConfig, key: LoginKey, pinned: PinnedKeys): Promise<KeyScan> {
  return scan(async () =>
    scanHostKey({
      ...connectToBastion(bastion),
      user: bastion.user,
      key,
      pinned,
      phase: 'bastion',
      deadlineMs: bastion.deadlines.bastionMs,
    }),
  );
}

/** Reads the host keys of nodes through a bastion whose key is trusted by now. @throws ProbeError of the bastion */
export async function scanNodeKeys(options: {
  bastion: BastionConfig;
  bastionKey: HostKey;
  key: LoginKey;
  nodes: readonly { target: Target; pinned: PinnedKeys }[];
  /** Called after each node. */
  onScanned: (target: Target, scan: KeyScan) => void;
  /** Ends it with its reason before the next node. */
  stop?: AbortSignal | undefined;
}): Promise<void> {
  const { bastion, key, nodes, onScanned, stop } = options;
  const { deadlines } = bastion;
  const hop = await openSession({
    ...connectToBastion(bastion),
    user: bastion.user,
    key,
    pinned: { accepted: [options.bastionKey], revoked: [] },
    phase: 'bastion',
    deadlineMs: deadlines.bastionMs,
  });
  try {
    await forEachLimit(nodes, bastion.concurrency, async ({ target, pinned }) => {
      stop?.throwIfAborted();
      const result = await scan(async () => {
        const { stream } = await dial(hop.client, target, deadlines.dialMs);
        const { user } = target;
        return scanHostKey({
          stream,
          user,
          key,
          pinned,
          phase: 'handshake',
          deadlineMs: deadlines.handshakeMs,
        });
      });
      onScanned(target, result);
    });
  } finally {
    hop.end();
  }
}

async function scan(read: () => Promise<HostKey>): Promise<KeyScan> {
  try {
    return { key: await read() };
  } catch (error) {
    if (error instanceof ProbeError) return { error };
    throw error;
  }
}

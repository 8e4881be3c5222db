import type { BastionConfig } from '../../core/config/types.ts';
import type { Target } from '../../core/model.ts';
import { forEachAtOnce } from './at-once.ts';
import { reachBastion } from './bastion-socket.ts';
import { ProbeError } from './failure.ts';
import type { HostKey, PinnedKeys } from './host-keys.ts';
import type { LoginKey } from './login-key.ts';
import { openSession, showHostKey } from './session.ts';
import { dial } from './tunnel.ts';

/** The key that a host shows, or why it shows none. */
export type Shown = { key: HostKey } | { error: ProbeError };

/** Looks at the key of a bastion. Nobody logs in for that. */
export function showBastionKey(bastion: BastionConfig, key: LoginKey, pinned: PinnedKeys): Promise<Shown> {
  return shown(async () =>
    showHostKey({
      ...reachBastion(bastion),
      user: bastion.user,
      key,
      pinned,
      phase: 'bastion',
      deadlineMs: bastion.deadlines.bastionMs,
    }),
  );
}

/** Looks at the keys of nodes through a bastion whose key is known by now. @throws ProbeError of the bastion */
export async function showNodeKeys(options: {
  bastion: BastionConfig;
  bastionKey: HostKey;
  key: LoginKey;
  nodes: readonly { target: Target; pinned: PinnedKeys }[];
  /** Called as each is done. */
  onShown: (target: Target, shown: Shown) => void;
}): Promise<void> {
  const { bastion, key, nodes, onShown } = options;
  const { deadlines } = bastion;
  const hop = await openSession({
    ...reachBastion(bastion),
    user: bastion.user,
    key,
    pinned: { accepted: [options.bastionKey], revoked: [] },
    phase: 'bastion',
    deadlineMs: deadlines.bastionMs,
  });
  try {
    await forEachAtOnce(nodes, bastion.concurrency, async ({ target, pinned }) => {
      const result = await shown(async () => {
        const { stream } = await dial(hop.client, target, deadlines.dialMs);
        const { user } = target;
        return showHostKey({
          stream,
          user,
          key,
          pinned,
          phase: 'handshake',
          deadlineMs: deadlines.handshakeMs,
        });
      });
      onShown(target, result);
    });
  } finally {
    hop.end();
  }
}

async function shown(show: () => Promise<HostKey>): Promise<Shown> {
  try {
    return { key: await show() };
  } catch (error) {
    if (error instanceof ProbeError) return { error };
    throw error;
  }
}

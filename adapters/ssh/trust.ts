import { connect } from 'node:net';
import type { BastionConfig, Config } from '../../core/config/types.ts';
import { describeError } from '../../core/errors.ts';
import type { Target } from '../../core/model.ts';
import type { Secrets } from '../../core/ports.ts';
import { scanHostKey } from './host-key-scan.ts';
import {
  fingerprintOf,
  type HostKey,
  type HostKeyVerdict,
  judgeHostKey,
  type PinnedKeys,
  parseHostKey,
} from './host-keys.ts';
import { createKeyring } from './keyring.ts';
import { knownHostName, knownNodeNames, parseKnownHosts, withKnownHost } from './known-hosts.ts';
import { readKnownHosts, writeKnownHosts } from './known-hosts-file.ts';
import { openSession, type SshSession } from './session.ts';
import { dial } from './tunnel.ts';

export interface ShownKey {
  /** `bastion seoul`, `prod/prod-1`. */
  what: string;
  address: string;
  type: string;
  fingerprint: string;
  verdict: HostKeyVerdict;
  /** Of the same type, where it has changed. */
  pinned: readonly string[];
}

export interface TrustReport {
  shown: readonly (ShownKey & { outcome: 'already known' | 'learned' | 'refused' })[];
  failed: readonly { what: string; detail: string }[];
}

const NODES_AT_ONCE = 16;

/**
 * Looks at the host keys of bastions and, through those that are trusted, of nodes; writes to known_hosts what `ask`
 * accepts. A bastion that is not trusted is not logged in to, and its nodes are not looked at.
 */
export async function learnHostKeys(options: {
  config: Pick<Config, 'bastions' | 'clusters'>;
  targets: readonly Target[];
  secrets: Secrets;
  knownHosts: string;
  /** One question at a time. */
  ask: (key: ShownKey) => Promise<boolean>;
}): Promise<TrustReport> {
  const { config, targets, secrets, knownHosts, ask } = options;
  const keyring = createKeyring(config, secrets);
  const shown: TrustReport['shown'][number][] = [];
  const failed: TrustReport['failed'][number][] = [];

  async function pinnedFor(lines: readonly string[], names: readonly string[]): Promise<PinnedKeys> {
    const { accepted, revoked } = parseKnownHosts(await readKnownHosts(knownHosts)).find(names);
    return { accepted: [...lines.map(parseHostKey), ...accepted], revoked };
  }

  async function judge(what: string, name: string, key: HostKey, pinned: PinnedKeys): Promise<boolean> {
    const verdict = judgeHostKey(pinned, key);
    const same = pinned.accepted.filter((known) => known.type === key.type);
    const described: ShownKey = {
      what,
      address: name,
      type: key.type,
      fingerprint: fingerprintOf(key),
      verdict,
      pinned: (same.length > 0 ? same : pinned.accepted).map(fingerprintOf),
    };
    if (verdict === 'pinned') {
      shown.push({ ...described, outcome: 'already known' });
      return true;
    }
    const accepted = verdict !== 'revoked' && (await ask(described));
    if (accepted) {
      const text = withKnownHost(await readKnownHosts(knownHosts), name, key, verdict === 'changed');
      await writeKnownHosts(knownHosts, text);
    }
    shown.push({ ...described, outcome: accepted ? 'learned' : 'refused' });
    return accepted;
  }

  async function learnNodes(
    bastion: BastionConfig,
    hop: SshSession,
    nodes: readonly Target[],
  ): Promise<void> {
    for (let i = 0; i < nodes.length; i += NODES_AT_ONCE) {
      const looks = nodes.slice(i, i + NODES_AT_ONCE).map(async (target) => {
        const names = knownNodeNames(target);
        const pinned = await pinnedFor(target.hostKeys, names);
        const tunnel = await dial(hop.client, target, bastion.deadlines.dialMs);
        const { handshakeMs: deadlineMs } = bastion.deadlines;
        const key = await scanHostKey({ stream: tunnel.stream, pinned, phase: 'handshake', deadlineMs });
        return { target, name: names[0], pinned, key };
      });
      for (const [n, look] of (await Promise.allSettled(looks)).entries()) {
        const target = nodes[i + n] as Target;
        const what = `${target.cluster}/${target.node}`;
        if (look.status === 'fulfilled')
          await judge(what, look.value.name, look.value.key, look.value.pinned);
        else failed.push({ what, detail: describeError(look.reason) });
      }
    }
  }

  for (const bastion of config.bastions) {
    const nodes = targets.filter((target) => target.bastion === bastion.name);
    if (nodes.length === 0) continue;
    const { host, port } = bastion;
    const what = `bastion ${bastion.name}`;
    try {
      const name = knownHostName(host, port);
      const pinned = await pinnedFor(bastion.hostKeys, [name]);
      const deadlineMs = bastion.deadlines.bastionMs;
      const key = await scanHostKey({ stream: connect(port, host), pinned, phase: 'bastion', deadlineMs });
      if (!(await judge(what, name, key, pinned))) {
        failed.push({ what, detail: `not trusted, so its ${nodes.length} nodes were not looked at` });
        continue;
      }
      const hop = await openSession({
        stream: connect(port, host),
        user: bastion.user,
        key: await keyring.ofBastion(bastion.name),
        pinned: { accepted: [key], revoked: [] },
        phase: 'bastion',
        deadlineMs,
      });
      await learnNodes(bastion, hop, nodes).finally(() => hop.end());
    } catch (error) {
      failed.push({ what, detail: describeError(error) });
    }
  }
  return { shown, failed };
}

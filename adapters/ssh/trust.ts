import type { BastionConfig, Config } from '../../core/config/types.ts';
import type { Target } from '../../core/model.ts';
import type { AuditEntry, Secrets } from '../../core/ports.ts';
import { ProbeError } from './failure.ts';
import { fingerprintOf, type HostKey, type HostKeyVerdict, judgeHostKey } from './host-keys.ts';
import { createKeyring } from './keyring.ts';
import { knownHostName, knownNodeNames, withKnownHost } from './known-hosts.ts';
import { createPinnedKeys, readKnownHosts, writeKnownHosts } from './known-hosts-file.ts';
import { type Shown, showBastionKey, showNodeKeys } from './shown-keys.ts';

/** A host key as people decide on it. */
export interface ShownKey {
  /** `bastion seoul`, `prod/prod-1` */
  what: string;
  address: string;
  type: string;
  fingerprint: string;
  verdict: HostKeyVerdict;
  /** `type fingerprint` of what is pinned instead, where the key changed. */
  pinned: readonly string[];
  /** The configuration pins keys of this host; those stay accepted beside what is learned. */
  inConfiguration: boolean;
}

export interface TrustReport {
  shown: readonly (ShownKey & { outcome: 'already known' | 'learned' | 'refused' })[];
  failed: readonly { what: string; detail: string }[];
}

interface Host {
  what: string;
  address: string;
  /** Keys in the configuration. */
  lines: readonly string[];
  /** In known_hosts, the one to write first. */
  names: readonly [string, ...string[]];
  audit: { bastion: string; target?: string };
}

/**
 * Looks at the host keys of bastions and, through those that are trusted, of nodes; writes to known_hosts what `ask`
 * accepts. A bastion that is not trusted is not logged in to, and its nodes are not looked at.
 */
export async function learnHostKeys(options: {
  config: Pick<Config, 'bastions' | 'clusters'>;
  targets: readonly Target[];
  secrets: Secrets;
  /** Written after each accepted key. */
  knownHosts: string;
  /** Once for each key that is not pinned, one question at a time. */
  ask: (key: ShownKey) => Promise<boolean>;
  audit: (entry: AuditEntry) => void;
  actor: string;
  nowMs: () => number;
}): Promise<TrustReport> {
  const { config, targets, ask, knownHosts } = options;
  const keyring = createKeyring(config, options.secrets);
  const pins = createPinnedKeys(knownHosts);
  const shown: TrustReport['shown'][number][] = [];
  const failed: TrustReport['failed'][number][] = [];

  for (const bastion of config.bastions) {
    const behind = targets.filter((target) => target.bastion === bastion.name);
    if (behind.length === 0) continue;
    const key = await keyring.ofBastion(bastion.name);
    const host = hostOfBastion(bastion);
    const startMs = options.nowMs();
    const look = await showBastionKey(bastion, key, (await pins.load())(host.lines, host.names));
    record(host, look, startMs);
    const bastionKey = await settle(host, look);
    if (bastionKey === undefined) {
      const detail = `${behind.length} nodes behind it were not looked at`;
      failed.push({ what: host.what, detail });
      continue;
    }
    const pinned = await pins.load();
    const nodes = behind.map((target) => ({
      target,
      pinned: pinned(target.hostKeys, knownNodeNames(target)),
    }));
    const looks = new Map<Target, Shown>();
    try {
      await showNodeKeys({
        bastion,
        bastionKey,
        key,
        nodes,
        onShown: (target, result) => looks.set(target, result),
      });
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      failed.push({ what: host.what, detail: error.message });
    }
    for (const target of behind) {
      const result = looks.get(target);
      if (!result) continue;
      record(hostOfNode(target), result, startMs);
      await settle(hostOfNode(target), result);
    }
  }
  return { shown, failed };

  /** Judges a key, asks where needed, keeps what was accepted. Returns the key if it is trusted in the end. */
  async function settle(host: Host, look: Shown): Promise<HostKey | undefined> {
    const { what, address, lines, names } = host;
    if ('error' in look) {
      failed.push({ what, detail: look.error.message });
      return undefined;
    }
    const { key } = look;
    const known = (await pins.load())(lines, names);
    const verdict = judgeHostKey(known, key);
    const same = known.accepted.filter((other) => other.type === key.type);
    const described: ShownKey = {
      what,
      address,
      type: key.type,
      fingerprint: fingerprintOf(key),
      verdict,
      pinned: (same.length > 0 ? same : known.accepted).map(
        (other) => `${other.type} ${fingerprintOf(other)}`,
      ),
      inConfiguration: lines.length > 0,
    };
    if (verdict === 'pinned') {
      shown.push({ ...described, outcome: 'already known' });
      return key;
    }
    const accepted = await ask(described);
    if (!accepted || verdict === 'revoked') {
      shown.push({ ...described, outcome: 'refused' });
      return undefined;
    }
    await writeKnownHosts(knownHosts, withKnownHost(await readKnownHosts(knownHosts), names[0], key));
    shown.push({ ...described, outcome: 'learned' });
    return key;
  }

  function record({ audit }: Host, look: Shown, atMs: number): void {
    const key = 'key' in look ? look.key : look.error.hostKey;
    options.audit({
      atMs,
      actor: options.actor,
      ...audit,
      ...(key && { hostKeyFingerprint: fingerprintOf(key) }),
      durationMs: options.nowMs() - atMs,
      bytes: 0,
      outcome: 'key' in look ? 'host-key-shown' : look.error.failure.reason,
    });
  }
}

function hostOfBastion({ name, host, port, hostKeys }: BastionConfig): Host {
  return {
    what: `bastion ${name}`,
    address: `${host}:${port}`,
    lines: hostKeys,
    names: [knownHostName(host, port)],
    audit: { bastion: name },
  };
}

function hostOfNode(target: Target): Host {
  const what = `${target.cluster}/${target.node}`;
  return {
    what,
    address: `${target.host}:${target.port}`,
    lines: target.hostKeys,
    names: knownNodeNames(target),
    audit: { bastion: target.bastion, target: what },
  };
}

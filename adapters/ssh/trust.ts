import type { BastionConfig, Config } from '../../core/config/types.ts';
import { ConfigError } from '../../core/errors.ts';
import type { FailureReason, Target } from '../../core/model.ts';
import type { AuditEntry, Secrets } from '../../core/ports.ts';
import { forEachAtOnce } from './at-once.ts';
import { ProbeError } from './failure.ts';
import { fingerprintOf, type HostKey, type HostKeyVerdict, judgeHostKey } from './host-keys.ts';
import { createKeyring } from './keyring.ts';
import { knownHostName, knownNodeNames, withKnownHosts } from './known-hosts.ts';
import { createPinnedKeys, readKnownHosts, writeKnownHosts } from './known-hosts-file.ts';
import type { LoginKey } from './login-key.ts';
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
  /** Hosts that showed no key, or were not looked at. */
  failed: readonly TrustFailure[];
}

export interface TrustFailure {
  what: string;
  address: string;
  reason: FailureReason | 'config' | 'bastion';
  detail: string;
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

/** Bastions looked at, or through, at once. Each has a bound of its own for nodes. */
const BASTIONS_AT_ONCE = 8;

/**
 * Looks at the host keys of bastions and, through those that are trusted, of nodes; writes what `ask` accepts to
 * known_hosts, all at once in the end, also when it ends by an error. A bastion that is not trusted is not logged in
 * to, and its nodes are not looked at. @throws what `ask` throws, and errors of the file
 */
export async function learnHostKeys(options: {
  config: Pick<Config, 'bastions' | 'clusters'>;
  targets: readonly Target[];
  secrets: Secrets;
  knownHosts: string;
  /** Once for each key that is not pinned, one question at a time, when all of a hop were looked at. */
  ask: (key: ShownKey) => Promise<boolean>;
  audit: (entry: AuditEntry) => void;
  actor: string;
  nowMs: () => number;
  /** After each node. */
  onLooked?: (done: number, total: number) => void;
}): Promise<TrustReport> {
  const { targets, ask, knownHosts, nowMs } = options;
  const keyring = createKeyring(options.config, options.secrets);
  const pinned = await createPinnedKeys(knownHosts).load();
  const learned = new Map<string, HostKey>();
  const shown: TrustReport['shown'][number][] = [];
  const failed: TrustFailure[] = [];
  const behind = Map.groupBy(targets, (target) => target.bastion);
  const bastions = options.config.bastions.filter(({ name }) => behind.has(name));

  try {
    const hops = await lookAtBastions();
    const trusted: { bastion: BastionConfig; key: LoginKey; bastionKey: HostKey }[] = [];
    for (const bastion of bastions) {
      const hop = hops.get(bastion);
      const host = hostOfBastion(bastion);
      const bastionKey = hop && (await settle(host, hop.look));
      if (hop && bastionKey) trusted.push({ bastion, key: hop.key, bastionKey });
      else notLookedAt(host, behind.get(bastion.name)?.length ?? 0);
    }
    const looks = await lookAtNodes(trusted);
    for (const target of targets) {
      const look = looks.get(target);
      if (look) await settle(hostOfNode(target), look);
    }
  } finally {
    // One write: whoever reads meanwhile sees all of it or nothing.
    if (learned.size > 0)
      await writeKnownHosts(knownHosts, withKnownHosts(await readKnownHosts(knownHosts), learned));
  }
  return { shown, failed };

  async function lookAtBastions(): Promise<Map<BastionConfig, { key: LoginKey; look: Shown }>> {
    const hops = new Map<BastionConfig, { key: LoginKey; look: Shown }>();
    await forEachAtOnce(bastions, BASTIONS_AT_ONCE, async (bastion) => {
      const host = hostOfBastion(bastion);
      const startMs = nowMs();
      try {
        const key = await keyring.ofBastion(bastion.name);
        const look = await showBastionKey(bastion, key, pinned(host.lines, host.names));
        record(host, look, startMs);
        hops.set(bastion, { key, look });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        fail(host, 'config', error.message);
      }
    });
    return hops;
  }

  async function lookAtNodes(
    trusted: readonly { bastion: BastionConfig; key: LoginKey; bastionKey: HostKey }[],
  ): Promise<Map<Target, Shown>> {
    const looks = new Map<Target, Shown>();
    const total = trusted.reduce((sum, { bastion }) => sum + (behind.get(bastion.name)?.length ?? 0), 0);
    await forEachAtOnce(trusted, BASTIONS_AT_ONCE, async ({ bastion, key, bastionKey }) => {
      const mine = behind.get(bastion.name) ?? [];
      const nodes = mine.map((target) => ({
        target,
        pinned: pinned(target.hostKeys, knownNodeNames(target)),
      }));
      const startMs = nowMs();
      const onShown = (target: Target, look: Shown) => {
        looks.set(target, look);
        record(hostOfNode(target), look, startMs);
        options.onLooked?.(looks.size, total);
      };
      try {
        await showNodeKeys({ bastion, bastionKey, key, nodes, onShown });
      } catch (error) {
        if (!(error instanceof ProbeError)) throw error;
        fail(hostOfBastion(bastion), error.failure.reason, error.message);
        notLookedAt(hostOfBastion(bastion), mine.length);
      }
    });
    return looks;
  }

  function fail({ what, address }: Host, reason: TrustFailure['reason'], detail: string): void {
    failed.push({ what, address, reason, detail });
  }

  function notLookedAt(host: Host, nodes: number): void {
    fail(
      host,
      'bastion',
      `${nodes === 1 ? 'one node behind it was' : `${nodes} nodes behind it were`} not looked at`,
    );
  }

  /** Judges a key, asks where needed, keeps what was accepted. Returns the key if it is trusted in the end. */
  async function settle(host: Host, look: Shown): Promise<HostKey | undefined> {
    const { what, address, lines, names } = host;
    if ('error' in look) {
      fail(host, look.error.failure.reason, look.error.message);
      return undefined;
    }
    const { key } = look;
    // Two names may stand for one host: what was learned of the first is known of the second.
    const justLearned = learned.get(names[0]);
    const before = pinned(lines, names);
    const known = justLearned ? { ...before, accepted: [justLearned] } : before;
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
    learned.set(names[0], key);
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
      durationMs: nowMs() - atMs,
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

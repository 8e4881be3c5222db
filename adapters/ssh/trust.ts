import { ConfigError } from '../../core/errors.ts';
import type { AuditEntry } from '../../core/model/audit.ts';
import type { BastionConfig, Config } from '../../core/model/config.ts';
import type { FailureReason } from '../../core/model/observation.ts';
import type { Target } from '../../core/model/target.ts';
import { bastionsOf } from '../../core/plan/ways.ts';
import type { Secrets } from '../../core/ports.ts';
import { forEachLimit } from './concurrency-limit.ts';
import { ProbeError } from './failure.ts';
import {
  checkHostKey,
  fingerprintOf,
  type HostKey,
  type HostKeyVerdict,
  type PinnedKeys,
} from './host-keys.ts';
import { type KeyScan, scanBastionKey, scanNodeKeys } from './key-scan.ts';
import { createKeyring } from './keyring.ts';
import { parseKnownHosts } from './known-hosts.ts';
import { type LearnedKey, withLearnedKeys } from './known-hosts-change.ts';
import { changeKnownHosts, createPinnedKeys } from './known-hosts-file.ts';
import { type HostNames, namesOfHost, namesOfNode, writtenName } from './known-hosts-names.ts';
import type { LoginKey } from './login-key.ts';
import { unlessStopped } from './unless-stopped.ts';

/** A scanned host key, as people need it to decide. */
export interface ScannedKey {
  /** `bastion seoul`, `prod/prod-1` */
  what: string;
  address: string;
  type: string;
  fingerprint: string;
  /** `type base64`, as `hostKeys` takes it. */
  key: string;
  verdict: HostKeyVerdict;
  /** `type fingerprint` of the pinned keys, where the key changed. */
  pinned: readonly string[];
  /** The configuration pins keys of this host. Then a new key must be written there. */
  inConfiguration: boolean;
}

export interface TrustReport {
  shown: readonly (ScannedKey & { outcome: 'already known' | 'learned' | 'refused' })[];
  /** Hosts that presented no key, or were not scanned. */
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
  /** In known_hosts. */
  names: HostNames;
  audit: { bastion: string; target?: string };
}

/** Bastions that are scanned at the same time. Each bounds its nodes by its own `concurrency`. */
const MAX_BASTIONS = 8;

/**
 * Scans the host keys of bastions and, through trusted bastions, of nodes. Writes the keys that `ask` accepts to
 * known_hosts, in one write at the end, also when it ends by an error. It does not log in to an untrusted bastion, so it
 * does not scan the nodes behind it. @throws what `ask` throws, the reason of `stop`, and errors of the file
 */
export async function learnHostKeys(options: {
  config: Pick<Config, 'bastions' | 'clusters'>;
  /** The nodes to scan. */
  targets: readonly Target[];
  /** All nodes: another host with the same address keeps its lines in known_hosts. */
  fleet: readonly Target[];
  secrets: Secrets;
  knownHosts: string;
  /** Called once for each key that is not pinned, one at a time, after all bastions or all nodes were scanned. */
  ask: (key: ScannedKey) => Promise<boolean>;
  audit: (entry: AuditEntry) => void;
  actor: string;
  nowMs: () => number;
  /** After each node. */
  onScanned?: (done: number, total: number) => void;
  /** Ends a scan with its reason. */
  stop?: AbortSignal;
}): Promise<TrustReport> {
  const { targets, ask, knownHosts, nowMs, stop } = options;
  const keyring = createKeyring(options.config, options.secrets);
  const pinned = await createPinnedKeys(knownHosts).load();
  const learned = new Map<string, LearnedKey>();
  const plainNames = countPlainNames(options.config.bastions, options.fleet);
  const settled: TrustReport['shown'][number][] = [];
  const failed: TrustFailure[] = [];
  /** Nodes by the bastion that leads to them: the first of theirs that is trusted, else their first. */
  let behind = new Map<string, Target[]>();
  const used = new Set(targets.flatMap(bastionsOf));
  const bastions = options.config.bastions.filter(({ name }) => used.has(name));

  try {
    const hops = await scanBastions();
    const trusted: { bastion: BastionConfig; key: LoginKey; bastionKey: HostKey }[] = [];
    for (const bastion of bastions) {
      const hop = hops.get(bastion);
      const host = hostOfBastion(bastion);
      const bastionKey = hop && (await settle(host, hop.scan));
      if (hop && bastionKey) trusted.push({ bastion, key: hop.key, bastionKey });
    }
    const leading = new Set(trusted.map(({ bastion }) => bastion.name));
    behind = Map.groupBy(
      targets,
      (target) => bastionsOf(target).find((name) => leading.has(name)) ?? target.bastion,
    );
    for (const bastion of bastions) {
      const lost = leading.has(bastion.name) ? undefined : behind.get(bastion.name);
      if (lost) failNodesBehind(hostOfBastion(bastion), lost.length);
    }
    const scans = await scanNodes(trusted);
    for (const target of targets) {
      const scan = scans.get(target);
      if (scan) await settle(hostOfNode(target), scan);
    }
  } finally {
    // One write, so that a reader sees all of it or nothing.
    if (learned.size > 0) await changeKnownHosts(knownHosts, (text) => learnInto(text, learned));
  }
  return { shown: settled, failed };

  async function scanBastions(): Promise<Map<BastionConfig, { key: LoginKey; scan: KeyScan }>> {
    const hops = new Map<BastionConfig, { key: LoginKey; scan: KeyScan }>();
    await forEachLimit(bastions, MAX_BASTIONS, async (bastion) => {
      const host = hostOfBastion(bastion);
      const startMs = nowMs();
      try {
        const key = await keyring.ofBastion(bastion.name);
        const before = await pinned(host.lines, host.names);
        const scan = await unlessStopped(stop, () => scanBastionKey(bastion, key, before));
        record(host, scan, startMs);
        hops.set(bastion, { key, scan });
      } catch (error) {
        if (!(error instanceof ConfigError) || stop?.aborted) throw error;
        fail(host, 'config', error.message);
      }
    });
    return hops;
  }

  async function scanNodes(
    trusted: readonly { bastion: BastionConfig; key: LoginKey; bastionKey: HostKey }[],
  ): Promise<Map<Target, KeyScan>> {
    const scans = new Map<Target, KeyScan>();
    const total = trusted.reduce((sum, { bastion }) => sum + (behind.get(bastion.name)?.length ?? 0), 0);
    await forEachLimit(trusted, MAX_BASTIONS, async ({ bastion, key, bastionKey }) => {
      const nodesBehind = behind.get(bastion.name) ?? [];
      const nodes: { target: Target; pinned: PinnedKeys }[] = [];
      for (const target of nodesBehind)
        nodes.push({ target, pinned: await pinned(target.hostKeys, namesOfNode(target)) });
      const startMs = nowMs();
      const onScanned = (target: Target, scan: KeyScan) => {
        scans.set(target, scan);
        record(hostOfNode(target), scan, startMs);
        options.onScanned?.(scans.size, total);
      };
      try {
        await unlessStopped(stop, () => scanNodeKeys({ bastion, bastionKey, key, nodes, onScanned, stop }));
      } catch (error) {
        if (!(error instanceof ProbeError)) throw error;
        fail(hostOfBastion(bastion), error.failure.reason, error.message);
        failNodesBehind(hostOfBastion(bastion), nodesBehind.length);
      }
    });
    return scans;
  }

  function fail({ what, address }: Host, reason: TrustFailure['reason'], detail: string): void {
    failed.push({ what, address, reason, detail });
  }

  function failNodesBehind(host: Host, nodes: number): void {
    fail(
      host,
      'bastion',
      `${nodes === 1 ? 'one node behind it was' : `${nodes} nodes behind it were`} not looked at`,
    );
  }

  /** Checks a key, asks where needed, and keeps what was accepted. Returns the key if it is trusted in the end. */
  async function settle(host: Host, scan: KeyScan): Promise<HostKey | undefined> {
    const { what, address, lines, names } = host;
    if ('error' in scan) {
      fail(host, scan.error.failure.reason, scan.error.message);
      return undefined;
    }
    const { key } = scan;
    // Two nodes of the configuration may be one host: a key learned for the first is known for the second.
    const justLearned = learned.get(writtenName(names));
    const before = await pinned(lines, names);
    const known = justLearned ? { ...before, accepted: [justLearned.key] } : before;
    const verdict = checkHostKey(known, key);
    const same = known.accepted.filter((other) => other.type === key.type);
    const described: ScannedKey = {
      what,
      address,
      type: key.type,
      fingerprint: fingerprintOf(key),
      key: `${key.type} ${key.base64}`,
      verdict,
      pinned: (same.length > 0 ? same : known.accepted).map(
        (other) => `${other.type} ${fingerprintOf(other)}`,
      ),
      inConfiguration: lines.length > 0,
    };
    if (verdict === 'pinned') {
      settled.push({ ...described, outcome: 'already known' });
      return key;
    }
    const accepted = await ask(described);
    // The old key in the configuration would still be accepted beside the new one.
    if (!accepted || verdict === 'revoked' || lines.length > 0) {
      settled.push({ ...described, outcome: 'refused' });
      return undefined;
    }
    const sharesPlainName = names.scoped !== undefined && (plainNames.get(names.plain)?.size ?? 0) > 1;
    learned.set(writtenName(names), { names, key, sharesPlainName });
    settled.push({ ...described, outcome: 'learned' });
    return key;
  }

  function record({ audit }: Host, scan: KeyScan, atMs: number): void {
    const key = 'key' in scan ? scan.key : scan.error.hostKey;
    options.audit({
      atMs,
      kind: 'trust',
      actor: options.actor,
      ...audit,
      ...(key && { hostKeyFingerprint: fingerprintOf(key) }),
      durationMs: nowMs() - atMs,
      bytes: 0,
      outcome: 'key' in scan ? 'host-key-shown' : scan.error.failure.reason,
    });
  }
}

/** Checks that learned keys are accepted afterwards: somebody may have revoked one while we asked. @throws ConfigError */
function learnInto(text: string, learned: ReadonlyMap<string, LearnedKey>): string {
  const changed = withLearnedKeys(text, [...learned.values()]);
  const { find } = parseKnownHosts(changed);
  for (const [name, { names, key }] of learned) {
    if (checkHostKey(find(names), key) !== 'pinned')
      throw new ConfigError(`no key was written: known_hosts now revokes the key of ${name}; run this again`);
  }
  return changed;
}

/** The hosts of each plain name: bastions, and nodes with their bastion. */
function countPlainNames(
  bastions: Config['bastions'],
  fleet: readonly Target[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const hosts = [...bastions.map(namesOfHost), ...fleet.map(namesOfNode)];
  const byPlain = Map.groupBy(hosts, ({ plain }) => plain);
  return new Map([...byPlain].map(([plain, same]) => [plain, new Set(same.map(writtenName))]));
}

function hostOfBastion({ name, host, port, hostKeys }: BastionConfig): Host {
  return {
    what: `bastion ${name}`,
    address: `${host}:${port}`,
    lines: hostKeys,
    names: namesOfHost({ host, port }),
    audit: { bastion: name },
  };
}

function hostOfNode(target: Target): Host {
  const what = `${target.cluster}/${target.node}`;
  return {
    what,
    address: `${target.host}:${target.port}`,
    lines: target.hostKeys,
    names: namesOfNode(target),
    audit: { bastion: target.bastion, target: what },
  };
}
